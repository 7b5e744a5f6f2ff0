# What Debian packages building, running and testing need; sourced by run.sh and test.sh.
#   need_packages NAME...   installs those that are missing, and only then calls apt-get

packages_build="build-essential cmake ninja-build pkg-config libsdl2-dev libfreetype-dev libcapstone-dev zlib1g-dev nasm"
packages_run="seabios fonts-naver-d2coding xz-utils cpio kmod debian-archive-keyring"
packages_test="libcmocka-dev python3 xvfb xdotool xclip acpica-tools genisoimage dosfstools mtools libzydis-dev libmpfr-dev gdb"
packages_aarch64="gcc-aarch64-linux-gnu qemu-user" # and what tests/aarch64/make-sysroot.sh unpacks

need_packages() {
    local missing=() name sudo=()
    for name in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    command -v apt-get > /dev/null || { echo "please install: ${missing[*]}" >&2; return 1; }
    echo "installing ${missing[*]} ..." >&2
    [ "$(id -u)" = 0 ] || sudo=(sudo)
    # A fresh system has no package lists; an old list may name packages that are gone.
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 || {
        "${sudo[@]}" apt-get update -qq >&2 &&
            "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
    }
}
