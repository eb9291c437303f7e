# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The source of a Debian QEMU: fetched through apt, verified, unpacked and configured.
. "$here/apt.sh"

# qemu_check VERSION: what it takes is there.
qemu_check() {
	local version=$1 tool package
	for tool in apt-get dpkg-source ninja flex bison pkg-config; do
		command -v $tool >/dev/null || die "building for QEMU $version needs $tool: install dpkg-dev, ninja-build, flex, bison and pkg-config"
	done
	for package in glib-2.0 pixman-1; do
		pkg-config --exists "$package" ||
			die "building for QEMU $version needs the development files of $package: install libglib2.0-dev, libpixman-1-dev and libfdt-dev"
	done
}

# The suites that a version is from, by what Debian appends to it, and where its fixes are.
qemu_suites() {
	case $1 in
	*bpo12*) echo bookworm-backports ;;
	*bpo13*) echo trixie-backports ;;
	1:7.*) echo bookworm bookworm-updates bookworm-security ;;
	1:10.0*) echo trixie trixie-updates trixie-security ;;
	*) echo sid ;;
	esac
}

# qemu_fetch VERSION FOLDER: its source, unpacked and patched as Debian builds it.
qemu_fetch() {
	local version=$1 folder=$2 work=$cache/apt/qemu-source
	local source=${version%+b[0-9]*} # rebuilt packages have the same source
	may_fetch "the source of QEMU $version"
	qemu_check "$version"
	say "fetching the source of QEMU $version …"
	rm -rf --one-file-system "$work"
	# shellcheck disable=SC2046 # several suites
	private_apt "$work" deb-src "the source of QEMU $version" $(qemu_suites "$version")
	mkdir -p "$work/source" "$(dirname "$folder")"
	(cd "$work/source" && "${apt[@]}" source --download-only "qemu=$source") >"$work/log" 2>&1 ||
		die "the source of QEMU $version cannot be had; the mirror has $("${apt[@]}" source --print-uris qemu 2>/dev/null | sed -nE "s/.*qemu_([^ ]*)\.dsc.*/\1/p" | head -n 1). Install that version of qemu-system-x86, or unset RISER_ADAPTER_QEMU"
	quietly "unpacking the source of QEMU" dpkg-source -x "$work"/source/*.dsc "$work/qemu"
	rm -rf --one-file-system "$folder"
	mv "$work/qemu" "$folder"
	rm -rf --one-file-system "$work"
}

# qemu_configure VERSION FOLDER: a small x86_64 build in FOLDER/build, whose folder is entered. QEMU
# of Debian 13 wants a newer Meson than Debian 12 has; QEMU before 8.1 takes the host's only with the
# host's Python.
qemu_configure() {
	local python=--python=/usr/bin/python3 root
	case $1 in
	1:7.* | 1:8.0*) python=--meson=meson ;;
	*)
		root=$("$here/fetch-debs" --only '^meson$' meson-trixie trixie meson)
		export PYTHONPATH=$root/usr/lib/python3/dist-packages
		;;
	esac
	mkdir -p "$2/build"
	cd "$2/build"
	[ -e build.ninja ] || quietly "configuring QEMU" ../configure --target-list=x86_64-softmmu \
		--without-default-features --enable-system --enable-tcg --enable-kvm --enable-fdt=system \
		--disable-install-blobs --disable-debug-info "$python"
}

# qemu_build FOLDER: the program, in the folder that qemu_configure has set up; now and then a line says
# how far it is.
qemu_build() (
	cd "$1/build"
	export PYTHONPATH=$cache/roots/meson-trixie/usr/lib/python3/dist-packages NINJA_STATUS='%f of %t: '
	log=$(mktemp)
	ninja qemu-system-x86_64 2>&1 | tee "$log" |
		awk '/^[0-9]+ of [0-9]+: / && NR % 200 == 0 { print "riser: built " $1 " of " $3 + 0; fflush() }' >&2
	[ "${PIPESTATUS[0]}" = 0 ] || {
		tail -n 20 "$log" >&2
		rm -f "$log"
		die "building QEMU failed; its last lines are above"
	}
	rm -f "$log"
)
