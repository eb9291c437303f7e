# SPDX-License-Identifier: MIT
# A thin front for Meson: each target sets up what it needs, then does its one thing.
BUILD ?= build
MESON_ARGS ?=

all: build

deps:
	@tools/deps

$(BUILD)/build.ninja: | deps
	@meson setup $(BUILD) $(MESON_ARGS)

build: deps $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

run: build
	@$(BUILD)/riser run my_rng

# What a person waits for; what the tests use is made ready before them.
check: build
	@tools/setup $(BUILD) check
	@tools/check $(BUILD) check

# The rest: whole machines, other QEMUs, minutes of load.
check-all: build
	@tools/setup $(BUILD) check-all
	@tools/check $(BUILD) check-all

# Devices behind real KVM: this host's, or that of a machine which QEMU emulates.
check-kvm: build
	@tests/kvm/run $(BUILD)

bench: build
	@ninja -C $(BUILD) bench
	@ninja -C $(BUILD) bench-blk

# What a guest sees, on every attachment.
bench-guest: build
	@bench/guest/run $(BUILD)

# Draws the last run; makes one if there is none.
bench-plot: build
	@test -f $(BUILD)/bench.json -a -f $(BUILD)/bench-blk.json || $(MAKE) bench
	@bench/plot.py $(BUILD)/bench.json $(BUILD)/bench-blk.json $(BUILD)/bench.svg

# Each fuzzer for so many seconds.
TIME ?= 60
fuzz: deps
	@tools/fuzz $(TIME)

# Four devices, two guests, everything killed now and then; what the servers hold is drawn into build/soak.svg.
SOAK_TIME ?= 600
soak: build
	@tests/soak/soak.py $(BUILD) $(SOAK_TIME)

# What of lib/ the tests run, by line and branch; make coverage ARGS=--guests takes in the guests' tests.
coverage: deps
	@tools/coverage $(ARGS)

# PREFIX: where it will be (/usr/local); DESTDIR: a folder that stands for the root until then.
PREFIX ?=
DESTDIR ?=
install: build
	@[ -z "$(PREFIX)" ] || meson configure $(BUILD) --prefix "$$(realpath -m "$(PREFIX)")"
	@DESTDIR="$${DESTDIR:+$$(realpath -m "$$DESTDIR")}" meson install -C $(BUILD) --quiet

clean:
	@rm -rf --one-file-system $(BUILD)

.PHONY: all deps build run check check-all check-kvm bench bench-guest bench-plot fuzz soak coverage install clean
