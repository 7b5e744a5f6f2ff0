# An apt of its own, so that neither root nor the system's list of architectures matters; sourced.
#   private_apt DIR ARCH [SUITE]   makes it in DIR for one architecture of Debian bookworm (or another suite), and points
#                                  APT_CONFIG at it

private_apt() {
    local dir=$1 arch=$2 suite=${3:-bookworm} mirror keys=/usr/share/keyrings/debian-archive-keyring.gpg
    # The mirror that this system uses, if it is a Debian, else the official one.
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' "Codename: bookworm" 'Component: main' \
        2>/dev/null | head -1 || true)
    mkdir -p "$dir"/etc/{apt.conf.d,preferences.d,trusted.gpg.d} "$dir"/lists/partial "$dir"/cache/archives/partial
    : > "$dir/status"
    echo "deb [signed-by=$keys] ${mirror:-http://deb.debian.org/debian} $suite main contrib" > "$dir/etc/sources.list"
    cat > "$dir/apt.conf" <<CONF
Dir "$dir";
Dir::Etc "etc";
Dir::State "$dir";
Dir::State::lists "lists";
Dir::State::status "$dir/status";
Dir::Cache "cache";
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
CONF
    export APT_CONFIG=$dir/apt.conf
    apt-get update -qq >&2
}
