# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the scripts of this folder share: where the cache is, how to speak, how to give up.

cache=${RISER_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/riser}

say() { printf 'riser: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Runs a command quietly; shows its last words only if it fails.
quietly() {
	local what=$1 log
	shift
	log=$(mktemp)
	if ! "$@" >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		die "$what failed; its last lines are above"
	fi
	rm -f "$log"
}

# may_fetch WHAT: gives up where nothing may be fetched: what tests use is made ready before them.
may_fetch() {
	[ -z "${RISER_OFFLINE:-}" ] ||
		die "$1 is not in the cache, and RISER_OFFLINE is set; what tests use is made by: tools/setup build check-all"
}

# private_lock FILE: it is there, and nobody else may open it, and so hold it.
private_lock() {
	(umask 077 && : >>"$1" && chmod 600 "$1")
}

# Takes the lock of the cache until the script ends.
lock_cache() {
	mkdir -p "$cache" || die "cannot make the cache folder $cache; set RISER_CACHE to another"
	private_lock "$cache/lock"
	exec 9>"$cache/lock"
	flock -n 9 || { say "waiting for another riser that uses $cache"; flock 9; }
}

# wrap_qemu ROOT PROGRAM: makes PROGRAM start the QEMU in an unpacked root. It runs on the C library
# there, without a chroot, so that it sees every path of the host.
wrap_qemu() {
	local libs=$1/usr/lib/x86_64-linux-gnu loader
	loader=$(find "$1/usr/lib" "$1/lib" -name ld-linux-x86-64.so.2 2>/dev/null | head -n 1)
	[ -n "$loader" ] || die "the cached QEMU in $1 is incomplete; remove that folder and try again"
	mkdir -p "$(dirname "$2")"
	cat >"$2.new" <<-END
		#!/bin/sh
		export QEMU_MODULE_DIR='$libs/qemu'
		exec '$loader' --argv0 qemu-system-x86_64 --library-path '$libs:$(dirname "$loader")' \\
			\${RISER_QEMU_PRELOAD:+--preload "\$RISER_QEMU_PRELOAD"} \\
			'$1/usr/bin/qemu-system-x86_64' -L '$1/usr/share/qemu' -L '$1/usr/share/seabios' "\$@"
	END
	chmod +x "$2.new"
	mv "$2.new" "$2"
}

# The suite the host itself runs, because what is built here uses its C library; on other systems
# the current stable one.
host_suite() {
	local VERSION_CODENAME=
	[ ! -r /etc/os-release ] || . /etc/os-release
	case $VERSION_CODENAME in
	bookworm | trixie | forky) echo "$VERSION_CODENAME" ;;
	*) echo trixie ;;
	esac
}
