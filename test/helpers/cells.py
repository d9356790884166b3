"""Cell files for tests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grasp_affordance.cell_file import with_changes


def cell_file(folder: Path, changes: Mapping[str, Any] | None = None, base: str = "sim") -> str:
    """Write a cell that differs from a shipped one in dotted keys; return its path.

    Args:
        base: name of the shipped cell; empty for the defaults, of which no bin is known.
    """
    return str(with_changes(base, changes or {}, folder / "cell.yaml"))
