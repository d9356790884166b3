"""Write docs/parameters.md: every ROS parameter, and every key of a cell's file, with its meaning.

    python tools/parameters_page.py > docs/parameters.md

The descriptions are those of the configuration classes' docstrings; the test of the same name says
when the page is out of date.
"""

import importlib.util
import re
import sys
from typing import Any

from grasp_affordance.ros.affordance.affordance_config import AffordanceNodeConfig
from grasp_affordance.ros.calibration.calibration_node import CalibrationNodeConfig
from grasp_affordance.ros.camera.camera_node import CameraNodeConfig
from grasp_affordance.ros.common.config_values import as_parameter, describe, flatten
from grasp_affordance.ros.common.parameters import parameters_of
from grasp_affordance.ros.detector.detector_node import DetectorNodeConfig
from grasp_affordance.ros.executor.executor_config import ExecutorNodeConfig
from grasp_affordance.ros.recorder.recorder_config import RecorderNodeConfig
from grasp_affordance.ros.trainer.trainer_config import TrainerNodeConfig

NODES: dict[str, Any] = {
    "affordance_node": AffordanceNodeConfig(),
    "detector_node": DetectorNodeConfig(),
    "executor_node": ExecutorNodeConfig(),
    "trainer_node": TrainerNodeConfig(),
    "camera_node": CameraNodeConfig(),
    "recorder_node": RecorderNodeConfig(),
    "calibration_node": CalibrationNodeConfig(),
}
AUTOSTART = ("autostart", True, "configure and activate at start, without a lifecycle manager.")
_UNITS = {
    "m/s": r"m/s",
    "m": r"metres",
    "rad": r"radians",
    "kPa": r"kilopascals|kPa",
    "N": r"newtons",
    "Hz": r"Hz|(?:frames|looks) per second",
    "s": r"seconds(?! per)",
    "px": r"pixels",
}
_HEAD = """# Parameters

Written by `python tools/parameters_page.py > docs/parameters.md` from the docstrings of the code.

A parameter file names each node that is given it; `/**/` makes a section match in every namespace:

    /**/executor_node:
      ros__parameters:
        continuous.failure_cap: 5

A file that holds nothing for a node, or a name that is not on this page, ends the node with the
reason. A node reads its parameters when it is configured and refuses a change after that. All
other settings are fields of the configuration classes, for programs in Python.
"""

Row = tuple[str, Any, str]


def node_rows(config: Any) -> list[Row]:
    """Return name, default and meaning of every parameter of a node."""
    texts = describe(type(config))
    return [AUTOSTART, *((k, v, texts[k]) for k, v in parameters_of(config).items())]


def cell_rows() -> list[Row]:
    """Return name, default and meaning of every key of a cell's file."""
    if importlib.util.find_spec("grasp_affordance.cell_description") is None:
        return []
    module = importlib.import_module("grasp_affordance.cell_description")
    cell = module.CellDescription
    texts = describe(cell)
    return [(name, value, texts[name]) for name, value in flatten(cell, cell()).items()]


def sections() -> dict[str, list[Row]]:
    """Return heading -> rows of the page."""
    tables = {name: node_rows(config) for name, config in NODES.items()}
    cell = cell_rows()
    return {"The file of a cell": cell, **tables} if cell else tables


def page() -> str:
    """Return the page."""
    tables = sections()
    parts = [_HEAD, f"{sum(map(len, tables.values()))} in all.\n"]
    for heading, rows in tables.items():
        lines = [f"## {heading}", "| name | unit | default | meaning |", "|---|---|---|---|"]
        lines += [
            f"| `{n}` | {_unit(v, text)} | {_shown(v)} | {_cell(text)} |" for n, v, text in rows
        ]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _unit(value: Any, text: str) -> str:
    """Return the unit that a description names last; empty for words and pure numbers."""
    if isinstance(value, str | bool):
        return ""
    found = {
        unit: list(re.finditer(rf"(?<!\w)(?:{name})(?!\w)", text)) for unit, name in _UNITS.items()
    }
    last = {unit: matches[-1].start() for unit, matches in found.items() if matches}
    return max(last, key=lambda unit: last[unit]) if last else ""


def _shown(value: Any) -> str:
    """Return a default as YAML shows it; floats without digits that nobody reads."""
    value = as_parameter(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return f"[{', '.join(_shown(item) for item in value)}]"
    return f'"{value}"' if value == "" else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
