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

check: build
	@tools/check $(BUILD)

bench: build
	@ninja -C $(BUILD) bench
	@ninja -C $(BUILD) bench-blk

# Each fuzzer for so many seconds.
TIME ?= 60
fuzz: deps
	@tools/fuzz $(TIME)

# What of lib/ the tests run, by line and branch; make coverage ARGS=--guests takes in the guests' tests.
coverage: deps
	@tools/coverage $(ARGS)

install: build
	@meson install -C $(BUILD)

clean:
	@rm -rf $(BUILD)

.PHONY: all deps build run check bench fuzz coverage install clean
