#!/usr/bin/env bash
# Installs the pinned reference into a Python environment of its own: target/oracle (or $1). Can be run again.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
environment="${1:-$here/../../target/oracle}"
stamp="$environment/.requirements"

if cmp --silent "$here/requirements.txt" "$stamp" 2>/dev/null; then
    echo "already there: $environment"
    exit 0
fi
python="${PYTHON:-python3}"
"$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || {
    echo "found $("$python" --version), expected Python 3.10 to 3.13; name another one with PYTHON=" >&2
    exit 1
}
"$python" -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --requirement "$here/requirements.txt"
cp "$here/requirements.txt" "$stamp"
echo "ready: $environment/bin/python"
