#!/usr/bin/env bash
# Builds grasp_affordance_interfaces and installs it straight into the virtual environment.
# usage: install_interfaces.sh VENV
#
# The environment is a ROS prefix, so nothing has to be sourced afterwards.
set -euo pipefail
venv=$(realpath "$1")
root=$(dirname "$(dirname "$(realpath "$0")")")
build=$venv/build/grasp_affordance_interfaces
log=$build.log

export PATH=$venv/bin:$PATH CMAKE_PREFIX_PATH=$venv AMENT_PREFIX_PATH=$venv

build_and_install() {
  # No CMAKE_BUILD_TYPE, that is no optimisation: most of the time goes into C++ that Python never
  # loads.
  cmake -G Ninja -S "$root/interfaces/grasp_affordance_interfaces" -B "$build" \
    -DCMAKE_INSTALL_PREFIX="$venv" -DCMAKE_PROJECT_INCLUDE="$root/tools/wheel_paths.cmake" &&
    cmake --build "$build" &&
    cmake --install "$build"
}

echo "Building the ROS interfaces (about a minute; log: $log)"
mkdir -p "$(dirname "$build")"
if ! build_and_install >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "Building the interfaces failed; the whole log is $log" >&2
  exit 1
fi
