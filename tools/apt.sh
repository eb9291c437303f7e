# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# apt in a folder of its own: packages resolved, downloaded and verified without touching the host.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# find_mirror WHAT: sets `site` to the mirror that this machine takes its Debian packages from.
find_mirror() {
	site=$(apt-get indextargets --format '$(SITE) $(CODENAME) $(ORIGIN)' 2>/dev/null |
		awk '$3 == "Debian" && $2 !~ /-/ { print $1; exit }')
	[ -n "$site" ] || site=$(mirror_of_sources)
	[ -n "$site" ] || die "cannot fetch '$1': no Debian mirror in /etc/apt; add one, or run 'apt-get update'"
	[ -r $keyring ] || die "cannot verify packages: $keyring is missing; install debian-archive-keyring"
}
mirror_of_sources() {
	sed -nE 's/^(URIs:|deb(-src)?( \[[^]]*\])?)[[:space:]]+([^[:space:]]+\/debian)\/?([[:space:]].*)?$/\4/p' \
		/etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
		head -n 1
}
mirror_of_security() {
	apt-get indextargets --format '$(SITE) $(CODENAME) $(ORIGIN)' 2>/dev/null |
		awk '$3 == "Debian" && $2 ~ /-security$/ { print $1; exit }'
}

# private_apt FOLDER deb|deb-src WHAT SUITE…: sets the array `apt` to a command that knows these.
private_apt() {
	local work=$1 kind=$2 what=$3 site security suite
	shift 3
	find_mirror "$what"
	security=$(mirror_of_security)
	mkdir -p "$work"/{lists,archives}/partial "$work/none"
	: >"$work/status"
	for suite; do
		case $suite in
		*-security) [ -z "$security" ] || echo "$kind [signed-by=$keyring] $security $suite main" ;;
		*) echo "$kind [signed-by=$keyring] $site $suite main" ;;
		esac
	done >"$work/sources.list"
	apt=(apt-get -y -qq
		-o "Dir::State=$work" -o "Dir::State::lists=$work/lists" -o "Dir::State::status=$work/status"
		-o "Dir::Cache=$work" -o "Dir::Cache::archives=$work/archives"
		-o "Dir::Etc::sourcelist=$work/sources.list" -o "Dir::Etc::sourceparts=$work/none"
		-o Dir::Etc::preferences=/dev/null -o "Dir::Etc::preferencesparts=$work/none"
		-o Acquire::Languages=none -o Acquire::Retries=3 -o "APT::Sandbox::User=$(id -un)")
	quietly "fetching the package lists of $* (is the network there?)" "${apt[@]}" update
}
