#!/usr/bin/env bash
# Prints the path of a Python 3.12 interpreter, or says what to install.
#
# PYTHON=<path> takes that one. The ROS 2 wheels exist for CPython 3.12 only, and the first
# python3.12 on the PATH may be a pyenv shim that refuses to run, so each candidate is run.
set -euo pipefail

real_path_if_3_12() {
  "$1" -c 'import os, sys
if sys.version_info[:2] != (3, 12): sys.exit(1)
print(os.path.realpath(sys.executable))' 2>/dev/null
}

candidates() {
  if [[ -n "${PYTHON:-}" ]]; then
    echo "$PYTHON"
    return
  fi
  type -ap python3.12 python3 || true
  ls -d "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.12*/bin/python3.12 2>/dev/null || true
  if command -v uv >/dev/null; then
    uv python find --no-project 3.12 2>/dev/null || true
  fi
  ls -d "${XDG_DATA_HOME:-${HOME:-}/.local/share}"/uv/python/cpython-3.12*/bin/python3.12 \
    2>/dev/null || true
}

while read -r candidate; do
  if real_path_if_3_12 "$candidate"; then
    exit 0
  fi
done < <(candidates)

cat >&2 <<'EOF'
No Python 3.12 found, and the ROS 2 wheels need exactly that version. Install one with
  Ubuntu 24.04:     sudo apt-get install python3.12 python3.12-venv python3.12-dev
  anywhere, uv:     pip install uv && uv python install 3.12
  anywhere, pyenv:  pyenv install 3.12
or name one: make ... PYTHON=/path/to/python3.12
EOF
exit 1
