"""Cell files: YAML that holds what differs from the defaults of `CellDescription`."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from grasp_affordance.cell_description import CellDescription, cell_from_dict, set_keys
from grasp_affordance.errors import ConfigError
from grasp_affordance.files import write_atomically


class CellFileError(ConfigError):
    """A cell file is missing, unreadable, or does not describe a cell."""


def shipped_cells() -> dict[str, Path]:
    """Return name -> file of the cells that come with the package."""
    prefixes = [*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix]
    shares = [Path(prefix) / "share" / "grasp_affordance" for prefix in prefixes if prefix]
    for root in (Path(__file__).parents[1], *shares):
        found = sorted((root / "config" / "cells").glob("*.yaml"))
        if found:
            return {path.stem: path for path in found}
    return {}


def cell_path(name: str | Path) -> Path:
    """Return the file that a path, or the bare name of a shipped cell, stands for.

    Raises:
        CellFileError: there is none.
    """
    path, shipped = Path(name).expanduser(), shipped_cells()
    if str(name) in shipped:
        return shipped[str(name)]
    if not path.is_file():
        known = ", ".join(shipped)
        raise CellFileError(f"no cell '{name}': expected a file, or one of {known}")
    return path


def read_cell(name: str | Path) -> CellDescription:
    """Return the cell that a file, or the bare name of a shipped one, describes.

    Args:
        name: empty for a cell of which nothing is known but the defaults.

    Raises:
        CellFileError: there is no such cell, or its file is wrong; the message names the key.
    """
    if not str(name):
        return CellDescription()
    path = cell_path(name)
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_OnceLoader)  # noqa: S506
        cell = cell_from_dict({} if data is None else data)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ConfigError) as error:
        raise CellFileError(f"{path}: {error}") from error
    camera, folder = cell.camera, path.absolute().parent
    calibration, empty = (
        str(folder / value) if value else "" for value in (camera.calibration, camera.empty)
    )
    return replace(cell, camera=replace(camera, calibration=calibration, empty=empty))


def required_cell(name: str | Path) -> CellDescription:
    """Return the cell of a parameter that must be set; see `read_cell`."""
    if not str(name):
        raise CellFileError(
            f"the parameter 'cell' is not set: give the cell's file, or one of "
            f"{', '.join(shipped_cells())}"
        )
    return read_cell(name)


def write_cell(path: Path, cell: CellDescription) -> Path:
    """Write what differs from the defaults; return the path. `read_cell` is the inverse."""
    text = yaml.safe_dump(set_keys(cell), sort_keys=False, default_flow_style=None)
    write_atomically(path, text.encode())
    return path


class _OnceLoader(yaml.SafeLoader):
    """Refuses a key that stands twice: YAML would take the last without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key '{twice}' stands there twice", node.start_mark
            )
        return dict(super().construct_mapping(node, deep))


def with_changes(name: str | Path, changes: Mapping[str, Any], path: Path) -> Path:
    """Write a cell that differs from another in some dotted keys; return the path."""
    return write_cell(path, read_cell(name).changed(changes))
