"""Where figures come from: command, revision, versions, machine."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from grasp_affordance.affordance.network.device import accelerator_name

_LIBRARIES = ("numpy", "mujoco", "opencv-python-headless", "scipy", "torch")


def revision() -> str:
    """Return the git commit of this package, with `+` where files differ; `unknown` outside git."""
    folder = Path(__file__).resolve().parent
    commit = _git(folder, "rev-parse", "--short=12", "HEAD")
    if not commit:
        return "unknown"
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", "..")
    return commit + ("+" if changed else "")


def provenance(device: str = "cpu") -> dict[str, Any]:
    """Return command line, versions and machine as a JSON object.

    Args:
        device: on which torch computed; a GPU is named too.
    """
    accelerator = accelerator_name(device)
    return {
        "command": ["grasp-affordance", *sys.argv[1:]],
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _LIBRARIES},
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "system": platform.platform(),
            **({"accelerator": accelerator} if accelerator else {}),
        },
    }


def machine_text(machine: Mapping[str, Any]) -> str:
    """Return the machine of a `provenance` in a few words."""
    parts = [machine["processor"], f"{machine['cores']} cores", machine.get("accelerator")]
    return ", ".join(filter(None, parts))


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):  # no git, or an installed package
        return ""
    return done.stdout.strip()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
