"""The parameter files that a process was started with, and whether they hold anything for its node.

rcl takes the sections whose name matches the full name of the node and passes over the others
without a word: in a namespace `executor_node:` matches nothing, `/**/executor_node:` does. A robot
would then run with default limits. So every file must name its node.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from grasp_affordance.errors import ConfigError

_NEAR = 0.88  # of difflib: a slip of the finger; detector_node and executor_node are at 0.85
_PATTERNS = {"**": r"(/\w+)*", "*": r"/\w+"}  # what rcl understands in the name of a section


class ParametersError(ConfigError):
    """The process was given parameters that its node does not have.

    They are read when a process starts: only a new process can be given others.
    """


def given_files(arguments: Sequence[str]) -> tuple[Path, ...]:
    """Return the parameter files among the arguments of a process, in their order.

    rclpy does not tell which they are. Also launch passes every parameter in such a file.
    """
    files: list[Path] = []
    of_ros, expected = False, False
    for argument in arguments:
        if expected:
            files.append(Path(argument))
            expected = False
        elif argument == "--ros-args":
            of_ros = True
        elif argument == "--":
            of_ros = False
        else:
            expected = of_ros and argument == "--params-file"
    return tuple(files)


def read_sections(path: Path) -> dict[str, dict[str, Any]]:
    """Return name of a section, with a leading slash -> its flat parameters, of a parameter file.

    Raises:
        ConfigError: the file is missing or is not of the form `node: ros__parameters: {...}`.
    """
    try:
        return dict(_sections(yaml.safe_load(path.read_text()), ""))
    except (OSError, yaml.YAMLError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path}: not a ROS parameter file (node name: ros__parameters: ...): {error!r}"
        ) from error


def check_files(files: Iterable[Path], full_name: str) -> None:
    """Check that every file holds a section for a node.

    One for every node (`/**`) is enough, unless the file also has a section that looks as if it
    were meant for this node and does not match it.

    Args:
        full_name: of the node, with its namespace.

    Raises:
        ParametersError: a file holds nothing for it. ConfigError: it is no parameter file.
    """
    name = full_name.rpartition("/")[2]
    for path in files:
        sections = list(read_sections(path))
        matching = [section for section in sections if _matches(section, full_name)]
        if any(_last(section) not in _PATTERNS for section in matching):
            continue
        named = {_last(section): section for section in sections if _last(section) not in _PATTERNS}
        near = difflib.get_close_matches(name, named, 1, _NEAR)
        if matching and not near:
            continue
        raise ParametersError(f"{path} holds nothing for {full_name}: {_reason(name, named, near)}")


def _reason(name: str, named: Mapping[str, str], near: Sequence[str]) -> str:
    remedy = f"write '/**/{name}:', which matches in every namespace"
    if name in near:
        return f"its section '{named[name]}' is for another namespace; {remedy}"
    if near:
        return f"is its section '{named[near[0]]}' a misspelt {name}? {remedy}"
    return (
        f"its sections are {', '.join(named.values()) or 'none'}; {remedy}, with "
        "'ros__parameters: {}' where nothing differs from the defaults"
    )


def _sections(content: Any, prefix: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield the sections below a namespace; a name may be split into nested ones."""
    for key, entry in content.items():
        name = f"{prefix}/{key.strip('/')}"
        if "ros__parameters" in entry:
            yield name, _flat(entry["ros__parameters"] or {}, "")
        else:
            yield from _sections(entry, name)


def _flat(entry: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in entry.items():
        if isinstance(value, Mapping):
            values |= _flat(value, f"{prefix}{key}.")
        else:
            values[prefix + key] = value
    return values


def _matches(section: str, full_name: str) -> bool:
    parts = section.strip("/").split("/")
    pattern = "".join(_PATTERNS.get(part, f"/{re.escape(part)}") for part in parts)
    return re.fullmatch(pattern, full_name) is not None


def _last(section: str) -> str:
    return section.rpartition("/")[2]
