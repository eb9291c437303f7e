# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Copies programs out of unpacked packages, each with just the libraries that it says it needs.
# Needs lib.sh.

needed_by() { LC_ALL=C readelf -d "$1" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p'; }

# add_program ROOT TREE FILE: to where it is in the package, less a leading usr/.
add_program() {
	local root=$1 tree=$2 file=${3#usr/} path needed
	path=$root/$file
	[ -e "$path" ] || path=$root/usr/$file
	[ -e "$path" ] || die "the packages in $root have no program $3"
	install -D "$path" "$tree/$file"
	while read -r needed; do
		add_library "$root" "$tree" "$needed"
	done < <(needed_by "$path")
}

# add_library ROOT TREE NAME: to lib/, with those that it needs itself.
add_library() {
	local root=$1 tree=$2 library=$3 path needed
	[ ! -e "$tree/lib/$library" ] || return 0
	path=$(find "$root/lib" "$root/usr/lib" -name "$library" 2>/dev/null | head -n 1)
	[ -n "$path" ] || die "the packages in $root lack the library $library"
	install -D "$(readlink -f "$path")" "$tree/lib/$library"
	while read -r needed; do
		add_library "$root" "$tree" "$needed"
	done < <(needed_by "$path")
}
