# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the tests that start `riser` as a user would share. $1 of each test is the build folder.
set -u
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../.." && pwd)
riser=$build/riser
work=$(mktemp -d) || exit 1
failed=0
patience=1800 # seconds: a limit that ends what hangs, and nothing else
# By this shell alone: a child that is ended before it has become its program would run it, too.
trap '[ "$BASHPID" != $$ ] || rm -rf --one-file-system "$work"' EXIT
export TMPDIR=$work
unset XDG_RUNTIME_DIR

wrong() {
	echo "FAIL $*"
	failed=1
}

# Nothing of a run may stay behind: no process, no file.
check_clean() {
	local left until=$((SECONDS + 120))
	# A device that was killed takes its warden along, in a moment.
	while left=$(pgrep -f "$work/riser-|serve $work") && [ $SECONDS -lt $until ]; do
		sleep 0.05
	done
	[ -z "$left" ] || wrong "$1: processes left: $(ps -o pid=,args= -p "$left")"
	left=$(find "$work" -maxdepth 1 -name 'riser-*')
	[ -z "$left" ] || wrong "$1: files left: $left"
}

# runs NAME COMMAND…: its output in $work/log, its status in $status.
runs() {
	local name=$1
	shift
	timeout $patience "$@" >"$work/log" 2>&1 </dev/null
	status=$?
	grep -a '^tested: ' "$work/log"
	check_clean "$name"
}

says() {
	grep -qE -- "$2" "$work/log" || {
		wrong "$1: it does not say '$2'"
		tail -n 15 "$work/log"
	}
}

# types LINES COMMAND…: runs it and types the lines once the guest's shell is there; its status in $status.
types() {
	local lines=$1
	shift
	: >"$work/log" # the last run's words are not this one's
	rm -f "$work/typed"
	mkfifo "$work/typed"
	exec 6<>"$work/typed" # both ends, so that it does not end with the lines
	timeout $patience "$@" >"$work/log" 2>&1 <&6 6>&- &
	waits_for 'guest#' "$work/log" $!
	printf '%s\n' "$lines" >&6
	wait $!
	status=$?
	exec 6>&-
}

# waits_until COMMAND…: until it succeeds.
waits_until() {
	local until=$((SECONDS + patience))
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $until ] || {
			wrong "waited in vain until: $*"
			return 1
		}
		sleep 0.05
	done
}

# waits_for WORDS FILE [PID]: until they are in it, or that process has ended.
waits_for() {
	local until=$((SECONDS + patience))
	until grep -qa -- "$1" "$2" 2>/dev/null; do
		[ $SECONDS -lt $until ] || return 1
		[ -z "${3:-}" ] || kill -0 "$3" 2>/dev/null || return 1
		sleep 0.05
	done
}

# Whether the C library that Debian 12's QEMU brings is older than this host's: then nothing that is
# built here runs in it. Why is in $work/log.
older_libc() {
	! RISER_ADAPTER_QEMU=bookworm "$source/tools/qemu-adapter" >"$work/log" 2>&1 && grep -q 'runs on C library' "$work/log"
}

# device_meson NAME: has the folder of that name in $work build its model.
device_meson() {
	cat >"$work/$1/meson.build" <<-END
		project('$1', 'c', default_options: ['c_std=gnu11'])
		shared_module('$1', '$1.c', name_prefix: '', c_args: '-I$source/include')
	END
}

# device NAME: a device's folder in $work, with a model and an empty test.
device() {
	mkdir -p "$work/$1/guest"
	printf '#!/bin/sh\n' >"$work/$1/guest/test"
	device_meson "$1"
	cat >"$work/$1/$1.c" <<-END
		#include <riser/riser.h>
		static const struct riser_pci_device $1 = {
			.size = sizeof($1), .name = "$1",
			.id = { .vendor = 0x1234, .device = 0x00b5, .class_code = 0x00ff00 },
		};
		RISER_EXPORT($1);
	END
}

end() { exit $failed; }
