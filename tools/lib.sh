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

# Takes the lock of the cache until the script ends.
lock_cache() {
	mkdir -p "$cache" || die "cannot make the cache folder $cache; set RISER_CACHE to another"
	exec 9>"$cache/lock"
	flock -n 9 || { say "waiting for another riser that uses $cache"; flock 9; }
}
