#!/usr/bin/env bash
# Makes this machine ready for the verbs of the Makefile.
#
#   packaging/bootstrap.sh --venv    .venv from the hashed lock (no root needed where python3-venv is there)
#   packaging/bootstrap.sh           that, and what the lab needs: corosync, nftables, ... (root)
#   packaging/bootstrap.sh --bench   that, and the peers of the benchmark: pacemaker, keepalived (root)
#   packaging/bootstrap.sh --agents  what the lab needs, and the agent that bench-agents measures: awscli, ... (root)
#   packaging/bootstrap.sh --model   .venv, and a C++ compiler for the model (root where that is missing)
#
# It installs missing packages only, starts and enables no service of the host, and is quick the second time.
set -euo pipefail

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$REPO/.venv
LOG=/dev/null
POLICY=/usr/sbin/policy-rc.d
POLICY_SAVED=/usr/sbin/policy-rc.d.before-komainu
POLICY_MARK="# Put here by Komainu's packaging/bootstrap.sh while it installs packages"

# One entry a package; `a|b` means the first name that this distribution knows.
LAB_PACKAGES=("corosync" "libcpg4|libcpg4t64" "libcmap4|libcmap4t64" "libquorum5|libquorum5t64"
    "iproute2" "nftables" "util-linux" "procps")
BENCH_PACKAGES=("pacemaker" "pacemaker-cli-utils" "resource-agents|resource-agents-base" "keepalived"
    "iputils-arping")
AGENTS_PACKAGES=("resource-agents|resource-agents-base" "awscli" "curl")

say() { printf '%s\n' "$*"; }

fail() {
    printf 'bootstrap: %s\n' "$*" >&2
    exit 1
}

# --- Python -----------------------------------------------------------------------------------------------------

python_is_enough() {
    command -v "$1" > /dev/null && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null
}

# The distribution's own interpreter is preferred: it is the one that production uses.
find_python() {
    local candidate
    for candidate in /usr/bin/python3 python3; do
        if python_is_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed and neither /usr/bin/python3 nor python3 is one;" \
        "use Debian 12, Ubuntu 24.04 or newer."
}

hash_of() { cat "$@" | sha256sum | cut -d ' ' -f 1; }

# Progress of pip on a terminal: how many packages of the lock are at hand.
pip_progress() {
    local total=$1
    if [ -t 1 ]; then
        awk -v total="$total" '/^Collecting / { n++; printf "\r  %d of about %d packages", n, total; fflush() }
            /^Installing collected/ { printf "\r  installing them                        "; fflush() }
            END { if (n) printf "\r%50s\r", "" }'
    else
        cat > /dev/null
    fi
}

pip_install() {
    local total
    total=$(grep -cE '^[a-zA-Z]' "$REPO/requirements/dev.txt")
    LOG=$VENV/pip.log
    if ! "$VENV/bin/python" -m pip install --no-input --disable-pip-version-check --progress-bar off "$@" 2>&1 \
        | tee -a "$LOG" | pip_progress "$total"; then
        tail -n 20 "$LOG" >&2
        fail "pip could not install the locked packages (last lines above, all of it in $LOG);" \
            "check that this machine reaches its package index, then call again."
    fi
}

make_venv() {
    local python=$1 version lock project
    version=$("$python" -c 'import sys; print(sys.executable, *sys.version_info[:3])')
    lock=$(printf '%s ' "$version" && hash_of "$REPO/requirements/dev.txt")
    project=$(printf '%s ' "$REPO" && hash_of "$REPO/pyproject.toml" "$REPO/lab/pyproject.toml")
    if [ "$(cat "$VENV/.stamp-lock" 2> /dev/null)" = "$lock" ] \
        && [ "$(cat "$VENV/.stamp-project" 2> /dev/null)" = "$project" ]; then
        return
    fi
    if ! "$python" -c 'import ensurepip, venv' 2> /dev/null; then
        fail "$python cannot make a virtual environment because the package python3-venv is missing;" \
            "run as root: apt-get install python3-venv (or run this as root)."
    fi
    if [ "$(cat "$VENV/.stamp-lock" 2> /dev/null)" != "$lock" ]; then
        say "Making .venv with $("$python" --version) from requirements/dev.txt (about a minute the first time) ..."
        rm -f "$VENV/.stamp-lock" "$VENV/.stamp-project"
        if [ ! -x "$VENV/bin/python" ] || ! "$VENV/bin/python" -m pip --version > /dev/null 2>&1 \
            || [ "$("$VENV/bin/python" -c 'import sys; print(*sys.version_info[:2])')" \
                != "$("$python" -c 'import sys; print(*sys.version_info[:2])')" ]; then
            "$python" -m venv --clear "$VENV"
        fi
        : > "$VENV/pip.log"
        pip_install --require-hashes -r "$REPO/requirements/dev.txt"
        printf '%s\n' "$lock" > "$VENV/.stamp-lock"
    fi
    say "Installing komainu and komainu-lab into .venv (editable) ..."
    pip_install --no-build-isolation --no-deps --no-index -e "$REPO" -e "$REPO/lab"
    printf '%s\n' "$project" > "$VENV/.stamp-project"
    say "Ready: komainu, komainud, komainu-lab are in .venv/bin."
}

# --- Packages of the distribution -------------------------------------------------------------------------------

# Installed, under one of the names of an entry?
installed() {
    local name
    for name in ${1//|/ }; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2> /dev/null)" = installed ]; then
            return 0
        fi
    done
    return 1
}

# The name of an entry that this distribution has.
resolve() {
    local name
    for name in ${1//|/ }; do
        if apt-cache show --no-all-versions "$name" > /dev/null 2>&1; then
            printf '%s\n' "$name"
            return
        fi
    done
    fail "this distribution has no package ${1//|/ or }; check the sources of apt, then call again."
}

check_distribution() {
    local ID="" VERSION_ID="0" PRETTY_NAME="this system"
    # shellcheck disable=SC1091
    [ -r /etc/os-release ] && . /etc/os-release
    case "$ID" in
        debian) [ "${VERSION_ID%%.*}" -ge 12 ] && return ;;
        ubuntu) [ "${VERSION_ID%%.*}" -ge 24 ] && return ;;
    esac
    fail "$PRETTY_NAME is not Debian 12, Ubuntu 24.04 or newer, and packages are missing: $*;" \
        "install them by hand, then call again."
}

restore_policy() {
    if [ -e "$POLICY_SAVED" ] || [ -L "$POLICY_SAVED" ]; then
        mv -f "$POLICY_SAVED" "$POLICY"
    elif grep -qsF "$POLICY_MARK" "$POLICY"; then
        rm -f "$POLICY"
    fi
}

# Debian's maintainer scripts ask policy-rc.d before they start a service; 101 means no.
forbid_services() {
    restore_policy # what a run that was killed may have left
    if [ -e "$POLICY" ] || [ -L "$POLICY" ]; then
        mv "$POLICY" "$POLICY_SAVED"
    fi
    printf '#!/bin/sh\n%s\nexit 101\n' "$POLICY_MARK" > "$POLICY"
    chmod 755 "$POLICY"
}

package_names() { dpkg-query -W -f '${binary:Package} ${db:Status-Status}\n' | awk '$2 == "installed" { print $1 }' | sort; }

# A package enables its units for the next boot; those of the given packages are switched off again.
disable_units_of() {
    local package unit
    for package in "$@"; do
        while read -r unit; do
            # It works without systemd, and answers only to a package's own script. A unit without [Install] cannot
            # be enabled, and is an error to it: what counts is the state afterwards.
            DPKG_MAINTSCRIPT_PACKAGE=${package%%:*} deb-systemd-helper disable "$unit" > /dev/null 2>&1 || true
            if compgen -G "/etc/systemd/system/*.wants/$unit" > /dev/null; then
                fail "the unit $unit is still enabled for the next boot; run: systemctl disable $unit"
            fi
        done < <(dpkg -L "$package" | sed -nE 's#^(/usr)?/lib/systemd/system/([^/@]+\.(service|socket|timer|path))$#\2#p' | sort -u)
    done
}

new_packages() { comm -13 <(printf '%s\n' "$PACKAGES_BEFORE") <(package_names); }

# Also after a failure or Ctrl-C: what came in so far is switched off, and the old policy is back.
leave_packages() {
    local new=()
    trap '' INT TERM HUP
    restore_policy
    mapfile -t new < <(new_packages)
    disable_units_of "${new[@]}"
}

# dpkg must not be torn apart half-way: in a session of its own it does not see Ctrl-C, which acts when it is done.
apt() { setsid -w apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >> "$LOG" 2>&1; }

install_packages() {
    local entry missing=() names=() new=()
    for entry in "$@"; do
        installed "$entry" || missing+=("${entry%%|*}")
    done
    [ ${#missing[@]} -eq 0 ] && return
    check_distribution "${missing[*]}"
    [ "$(id -u)" -eq 0 ] || fail "these packages are missing and only root can install them: ${missing[*]};" \
        "run this as root, or run as root: apt-get install --no-install-recommends ${missing[*]}"
    say "Installing packages (no service of this machine is started or enabled): ${missing[*]} ..."
    exec 8> /run/komainu-bootstrap.lock
    flock 8
    LOG=$(mktemp /tmp/komainu-bootstrap.XXXXXX.log)
    PACKAGES_BEFORE=$(package_names)
    trap leave_packages EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    forbid_services
    export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8
    say "  reading the lists of packages ..."
    apt-get -q update >> "$LOG" 2>&1 || apt_failed "apt-get update"
    for entry in "$@"; do
        if ! installed "$entry"; then
            names+=("$(resolve "$entry")")
        fi
    done
    say "  installing (Ctrl-C takes effect after it) ..."
    apt install --no-install-recommends "${names[@]}" || apt_failed "apt-get install ${names[*]}"
    mapfile -t new < <(new_packages)
    leave_packages
    trap - EXIT INT TERM HUP
    rm -f "$LOG"
    exec 8>&-
    say "  installed: ${new[*]}"
}

apt_failed() {
    tail -n 20 "$LOG" >&2
    fail "$1 failed (last lines above, all of it in $LOG); mend that, then call again."
}

# --- Main ---------------------------------------------------------------------------------------------------------

main() {
    local what=${1:-lab} packages=() python
    case "$what" in
        --venv) ;;
        lab | --lab) packages=("${LAB_PACKAGES[@]}") ;;
        --model) command -v g++ > /dev/null || packages=("g++") ;;
        --bench) packages=("${LAB_PACKAGES[@]}" "${BENCH_PACKAGES[@]}") ;;
        --agents) packages=("${LAB_PACKAGES[@]}" "${AGENTS_PACKAGES[@]}") ;;
        *) fail "unknown argument $what; it is one of --venv, --lab, --bench, --agents, --model." ;;
    esac
    python=$(find_python)
    # venv comes in a package of its own, for the distribution's interpreter only.
    if [ "$python" = /usr/bin/python3 ] && ! /usr/bin/python3 -c 'import ensurepip, venv' 2> /dev/null; then
        packages+=("python3-venv")
    fi
    if [ ${#packages[@]} -gt 0 ]; then
        command -v dpkg-query > /dev/null || check_distribution "${packages[@]%%|*}"
        install_packages "${packages[@]}"
    fi
    exec 9< "$REPO" # two verbs at once make one environment
    flock 9
    make_venv "$python"
}

main "$@"
