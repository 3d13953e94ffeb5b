#!/usr/bin/env bash
# Resolves requirements/*.in into the hashed locks; UPGRADE=1 takes newer versions of what is locked already. The locks
# hold for every Python from 3.11 on and name neither an index nor a path, so that any mirror of the registry serves them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../requirements"

# Indexes that only this machine has must not decide which files are locked.
unset PIP_EXTRA_INDEX_URL PIP_FIND_LINKS UV_EXTRA_INDEX_URL UV_FIND_LINKS UV_INDEX
export PIP_CONFIG_FILE=/dev/null

tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
python3 -m venv "$tool"
"$tool/bin/pip" install -q --disable-pip-version-check uv
compile() {
    "$tool/bin/uv" pip compile -q --no-config --system-certs --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-annotate --no-header "$@"
}
compile ${UPGRADE:+--upgrade} dev.in -o dev.txt
compile run.in -c dev.txt -o run.txt

if grep -nE 'https?:|//|file:' run.txt dev.txt; then
    echo "lock: a lock file names a host or a path (above); find out which setting brought it in." >&2
    exit 1
fi
git diff --stat -- .
