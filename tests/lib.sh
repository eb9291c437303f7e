# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the tests that start `riser` as a user would share. $1 of each test is the build folder.
set -u
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../.." && pwd)
riser=$build/riser
work=$(mktemp -d)
failed=0
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work
unset XDG_RUNTIME_DIR

wrong() {
	echo "FAIL $*"
	failed=1
}

# Nothing of a run may stay behind: no process, no file.
check_clean() {
	local left
	left=$(pgrep -f "$work/riser-|serve $work" || true)
	[ -z "$left" ] || wrong "$1: processes left: $(ps -o pid=,args= -p "$left")"
	left=$(find "$work" -maxdepth 1 -name 'riser-*')
	[ -z "$left" ] || wrong "$1: files left: $left"
}

# runs NAME COMMAND…: its output in $work/log, its status in $status.
runs() {
	local name=$1
	shift
	timeout 100 "$@" >"$work/log" 2>&1 </dev/null
	status=$?
	check_clean "$name"
}

says() {
	grep -qE -- "$2" "$work/log" || {
		wrong "$1: it does not say '$2'"
		tail -n 15 "$work/log"
	}
}

end() { exit $failed; }
