# shellcheck shell=bash
# Sourced by the run scripts. Installs Debian packages that are missing, or says which they are.

missing_packages()
{
    local name
    for name in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || echo "$name"
    done
}

install_packages()
{
    local missing as_root=()
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]})) || return 0
    if ! command -v apt-get >/dev/null; then # it may all be there by other means
        echo "This needs what Debian calls: ${missing[*]}" >&2
        return 0
    fi
    if ((EUID != 0)); then
        if ! sudo -n true 2>/dev/null; then
            printf 'Packages are missing. Please run as root, then again here:\n  apt-get install %s\n' "${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo -n)
    fi
    echo "installing: ${missing[*]}" >&2
    "${as_root[@]}" apt-get update -qq >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Use-Pty=0 "${missing[@]}" >/dev/null
}

# Debian 12 has Boost 1.74 and 1.81 side by side; later releases have only newer ones
boost_package()
{
    if [[ -n $(apt-cache policy libboost1.81-dev 2>/dev/null) ]] || grep -qs '^VERSION_ID="12"' /etc/os-release; then
        echo libboost1.81-dev
    else
        echo libboost-dev
    fi
}
