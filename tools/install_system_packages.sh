#!/usr/bin/env bash
# Installs the few system packages that no wheel carries, where they are missing.
# usage: install_system_packages.sh PYTHON
#
# Looks for the capability rather than the package, so that whatever provides it will do. Runs apt
# when it is allowed to; otherwise prints the one command to run and stops.
set -euo pipefail
python=$1

has_library() {
  PATH="$PATH:/sbin:/usr/sbin" ldconfig -p | grep -qE "^\s*$1 "
}

missing=()
# The message packages are generated as C and C++.
command -v c++ >/dev/null || missing+=(g++)
# MuJoCo renders off screen through EGL; Mesa does it in software where there is no GPU.
has_library 'libEGL\.so\.1' || missing+=(libegl1)
has_library 'libEGL_(mesa|nvidia)\.so\.0' || missing+=(libegl-mesa0 libgl1-mesa-dri)
has_library 'libGL\.so\.1' || missing+=(libgl1)
# Debian splits Python: headers for the message packages, ensurepip for a virtual environment.
"$python" -c 'import pathlib, sys, sysconfig
sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())' ||
  missing+=(python3.12-dev)
command -v uv >/dev/null || "$python" -c 'import ensurepip' 2>/dev/null ||
  missing+=(python3.12-venv)

if [[ ${#missing[@]} -eq 0 ]]; then
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  echo "Missing here (by their Debian names): ${missing[*]}" >&2
  echo "Install what provides them on this system, then run make again." >&2
  exit 1
fi

install="apt-get install --yes --no-install-recommends ${missing[*]}"
if [[ $(id -u) -eq 0 ]]; then
  as_root=()
elif command -v sudo >/dev/null && sudo --non-interactive true 2>/dev/null; then
  as_root=(sudo)
else
  echo "Some system packages are missing. Run this once, then make again:" >&2
  echo "  sudo sh -c 'apt-get update && $install'" >&2
  exit 1
fi
echo "Installing system packages: ${missing[*]}"
"${as_root[@]}" apt-get update --quiet
# shellcheck disable=SC2086 # the words of the command are meant to split
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive $install
