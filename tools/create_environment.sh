#!/usr/bin/env bash
# Makes the virtual environment and installs the locked packages into it.
# usage: create_environment.sh VENV LOCK PYTHON
#
# Uses uv where there is one. Otherwise pip installs uv into the environment (ten times faster
# than pip over so many packages), and where even that fails pip does it all.
set -euo pipefail
venv=$1 lock=$2 python=$3

if [[ ! -x $venv/bin/python ]]; then
  echo "Creating $venv with $python"
  if command -v uv >/dev/null; then
    uv venv --quiet --seed --python "$python" "$venv"
  else
    "$python" -m venv "$venv"
  fi
fi

if command -v uv >/dev/null; then
  uv=uv
elif [[ -x $venv/bin/uv ]] || "$venv/bin/python" -m pip install -qq uv; then
  uv=$venv/bin/uv
else
  uv=
fi

echo "Installing $lock into $venv (some 5 GB; most of it is PyTorch)"
if [[ -n $uv ]]; then
  VIRTUAL_ENV=$(realpath "$venv") "$uv" pip install --quiet --requirement "$lock"
else
  "$venv/bin/python" -m pip install --quiet --requirement "$lock"
fi
