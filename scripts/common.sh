# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034  # what is set here is used by those who source it
# What run, test, check and lab share: colours, packages, accounts, the build.  Sourced; the caller has set -euo pipefail.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHON=/usr/bin/python3

# Debian packages, by what they are for; COMMAND:PACKAGE is content with a command from elsewhere.
BUILD_PACKAGES=(gcc meson ninja-build pkg-config libbsd-dev libcap-ng-dev libconfuse-dev libevent-dev libgnutls28-dev libjansson-dev
	libmicrohttpd-dev libmnl-dev libnftables-dev libnftnl-dev libseccomp-dev libsodium-dev libsqlite3-dev
	uthash-dev scdoc)
RUN_PACKAGES=(nftables iproute2 procps)
LAB_PACKAGES=(python3 dnsmasq-base tcpdump openssl curl conntrack util-linux)
TEST_PACKAGES=(iperf3 clang llvm clang-format clang-tidy cppcheck shellcheck systemd-analyze:systemd libcmocka-dev python3-pytest python3-pytest-xdist wget iputils-ping
	udhcpc chromium firefox-esr dbus-daemon:dbus-daemon git npm:npm python3-dbus python3-gi python3-pip)

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	BOLD=$'\e[1m' GREEN=$'\e[32m' RED=$'\e[31m' YELLOW=$'\e[33m' DIM=$'\e[2m' PLAIN=$'\e[0m'
else
	BOLD='' GREEN='' RED='' YELLOW='' DIM='' PLAIN=''
fi

section() {
	printf '\n%s== %s%s\n' "$BOLD" "$*" "$PLAIN"
}

note() {
	printf '%s%s%s\n' "$DIM" "$*" "$PLAIN"
}

die() {
	printf '%s%s%s\n' "$RED" "$*" "$PLAIN" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" = 0 ] || die "$(basename "$0") needs root: it makes network namespaces and installs packages"
}

# Installs what of these Debian packages is missing.
need_packages() {
	local package missing=()

	for package; do
		if [ "$package" != "${package#*:}" ] && command -v "${package%%:*}" >/dev/null; then
			continue
		fi
		package=${package#*:}
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
	done
	[ "${#missing[@]}" -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "please install what corresponds to Debian's ${missing[*]}"
	note "installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	if ! apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
		apt-get update -qq || die "apt-get update failed"
		apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
			die "could not install ${missing[*]}"
	fi
}

# The system users of portald, as scripts/sysusers.d/portald.conf has them.
need_accounts() {
	local user

	for user in portald portald-web portald-gate; do
		getent passwd "$user" >/dev/null || useradd --system --user-group --no-create-home \
			--home-dir /nonexistent --shell /usr/sbin/nologin "$user"
	done
}

# build FOLDER [meson options...]: configures it if it is new and compiles, both quietly unless they fail.
build() {
	local folder=$1 log
	shift
	log=$(mktemp)
	if ! {
		{ [ -f "$folder/build.ninja" ] || meson setup "$folder" "$ROOT" "$@"; } &&
			meson compile -C "$folder"
	} >"$log" 2>&1; then
		cat "$log"
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

# Unpacks promtool of Debian's package prometheus to build/promtool; the package itself would start services.
need_promtool() {
	local folder=$ROOT/build/promtool package

	if command -v promtool >/dev/null || [ -x "$folder/usr/bin/promtool" ]; then
		return 0
	fi
	note "unpacking promtool"
	mkdir -p "$folder"
	(
		cd "$folder"
		apt-get download -qq prometheus >/dev/null 2>&1 || { apt-get update -qq && apt-get download -qq prometheus; }
	) || die "could not get Debian's package prometheus, for promtool"
	for package in "$folder"/prometheus_*.deb; do
		dpkg --fsys-tarfile "$package" | tar -x -C "$folder" ./usr/bin/promtool
		rm "$package"
	done
}

# need_unpacked COMMAND FOLDER PACKAGE...: unpacks Debian's packages to build/FOLDER unless the command is there; for those
# that, installed, would start a service or take over the host's network.
need_unpacked() {
	local command=$1 folder=$ROOT/build/$2 package
	shift 2

	if command -v "$command" >/dev/null || [ -x "$folder/usr/sbin/$command" ]; then
		return 0
	fi
	note "unpacking $command"
	mkdir -p "$folder"
	(
		cd "$folder"
		apt-get download -qq "$@" >/dev/null 2>&1 || { apt-get update -qq && apt-get download -qq "$@"; }
	) || die "could not get Debian's packages $*"
	for package in "$folder"/*.deb; do
		dpkg-deb -x "$package" "$folder"
		rm "$package"
	done
}

need_networkmanager() {
	need_unpacked NetworkManager networkmanager network-manager libnm0 libndp0 libcurl3-gnutls
}

# A caching proxy for tests/clients.
need_nginx() {
	need_unpacked nginx nginx nginx
}

need_dhcpcd() {
	need_unpacked dhcpcd dhcpcd dhcpcd-base
}

# get_source SUITE PACKAGE [apt's options]: downloads the source of that Debian release into the current folder, from the mirror
# that serves the package; the system's own lists stay as they are.
get_source() {
	local suite=$1 package=$2 uri options
	shift 2

	mkdir -p lists/partial parts
	uri=$(apt-get download --print-uris "$package" | sed -n "s|^'\(.*\)/pool/.*|\1|p")
	echo "deb-src $uri $suite main" >parts/source.list
	options=(-qq -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$PWD/parts" -o "Dir::State::Lists=$PWD/lists"
		-o APT::Sandbox::User=root)
	apt-get "${options[@]}" update
	apt-get "${options[@]}" source --download-only "$@" "$package"
	rm -r lists
}

# Builds ConnMan from Debian's source in build/connman, with a line of one of its patches taken back: a reference dropped at
# the first piece of an answer, for which Debian's binary never asks anybody.
need_connman() {
	local folder=$ROOT/build/connman patch

	if [ -x "$folder/connmand" ]; then
		return 0
	fi
	note "building ConnMan"
	need_packages libglib2.0-dev libdbus-1-dev patch make xz-utils
	rm -rf "$folder"
	mkdir -p "$folder"
	(
		cd "$folder"
		get_source "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" connman
		tar -xf connman_*.orig.tar.xz
		tar -xf connman_*.debian.tar.xz
		cd connman-*/
		while read -r patch; do
			patch -s -p1 <"../debian/patches/$patch"
		done <../debian/patches/series
		sed -i '/g_web_parser_feed_data(wp_context/,/return true;/{/wispr_portal_context_unref/d}' src/wispr.c
		CFLAGS=-O0 ./configure --quiet --prefix=/usr --sysconfdir=/etc --localstatedir=/var --runstatedir=/run --with-firewall=nftables \
			--with-dns-backend=internal --disable-{client,wifi,bluetooth,ofono,dundee,pacrunner,tools,loopback,gadget,neard,wireguard}
		make -s -j2
		cp src/connmand ..
	) >"$folder/log" 2>&1 || die "could not build ConnMan: $folder/log says why"
}

# Builds radvd 2.20 from the source of Debian 13 in build/radvd: Debian 12's does not know the option of RFC 8910.
need_radvd() {
	local folder=$ROOT/build/radvd

	if [ -x "$folder/radvd" ]; then
		return 0
	fi
	note "building radvd"
	need_packages bison flex make xz-utils
	rm -rf "$folder"
	mkdir -p "$folder"
	(
		cd "$folder"
		get_source trixie radvd --tar-only
		tar -xf radvd_*.orig.tar.xz
		cd radvd-*/
		CFLAGS=-O0 ./configure --quiet
		make -s -j2 radvd
		cp radvd ..
	) >"$folder/log" 2>&1 || die "could not build radvd: $folder/log says why"
}

# The second resolver of tests/net, and the tools that sign its zone.
need_unbound() {
	need_unpacked unbound unbound unbound ldnsutils libldns3 libprotobuf-c1 libpython3.11
}
