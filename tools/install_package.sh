#!/usr/bin/env bash
# Installs the package from the working tree, editable, so that ROS finds it in the environment.
# usage: install_package.sh VENV
#
# pip makes the console scripts but leaves an editable package's data files out. ROS looks for
# those under share/ and for executables under lib/<package>, hence the links.
set -euo pipefail
venv=$(realpath "$1")
root=$(dirname "$(dirname "$(realpath "$0")")")
package=grasp_affordance

"$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable "$root"

share=$venv/share/$package
libexec=$venv/lib/$package
index=$venv/share/ament_index/resource_index/packages
rm -rf "$share" "$libexec"
mkdir -p "$share" "$libexec" "$index"
ln -sf "$root/resource/$package" "$index/$package"
for shared in package.xml config launch; do
  if [[ -e $root/$shared ]]; then
    # Folders are real and files are links: ros2 launch does not look into linked folders.
    cp --recursive --symbolic-link "$root/$shared" "$share/$shared"
  fi
done
for script in grasp-affordance $(cd "$root/$package/ros" && find . -name "*_node.py" -printf "%f\n" | sort); do
  ln -s "$venv/bin/${script%.py}" "$libexec/${script%.py}"
done
