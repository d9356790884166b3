"""Frozen dataclasses to flat dotted values and back: the mapping behind ROS parameters.

A nested dataclass becomes a prefix (`camera.topics.color`), a tuple a list, a tuple of points a
flat list, an enumeration its value, `None` an empty string. No rclpy here.
"""

import dataclasses
import os
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from docstring_parser import parse

from grasp_affordance.errors import ConfigError

_PATH = "path"

# A field that names a file or a folder: `~` in its parameter stands for the home folder.
FilePath = typing.Annotated[str, _PATH]

Leaf = bool | int | float | str | list[bool] | list[int] | list[float] | list[str] | None


def flatten(config_type: type, config: Any = None, prefix: str = "") -> dict[str, Leaf]:
    """Return dotted name -> value of every field of a configuration, in declaration order.

    Args:
        config_type: a frozen dataclass.
        config: its instance; None stands for an optional one that is absent, all of whose values
            are None then.
        prefix: of the names, with its dot.
    """
    values: dict[str, Leaf] = {}
    hints = typing.get_type_hints(config_type)
    for field in dataclasses.fields(config_type):
        value = None if config is None else getattr(config, field.name)
        kind = _without_none(hints[field.name])
        if dataclasses.is_dataclass(kind):
            values |= flatten(typing.cast(type, kind), value, f"{prefix}{field.name}.")
        else:
            values[prefix + field.name] = _to_leaf(value)
    return values


def unflatten[Config](default: Config, values: Mapping[str, object]) -> Config:
    """Return `default` with the fields named in `values` replaced, types converted and checked.

    Raises:
        ConfigError: a name that is no field, or a value of the wrong type or out of range.
    """
    known = flatten(type(default), default)
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigError(
            f"unknown parameter {', '.join(unknown)} for {type(default).__name__}; "
            f"known are {', '.join(known)}"
        )
    return _build(type(default), default, values, "")


def as_parameter(value: Leaf) -> Leaf:
    """Return what stands for a value in a ROS parameter: the empty string for None and for [].

    A ROS parameter has neither: one that is set to nothing is undeclared, for good.
    """
    return "" if value is None or value == [] else value


def describe(config_type: type, prefix: str = "") -> dict[str, str]:
    """Return dotted name -> the description (with unit) that the class's docstring gives."""
    texts: dict[str, str] = {}
    for parameter in parse(config_type.__doc__ or "").params:
        for name in parameter.arg_name.split(","):
            texts[name.strip()] = " ".join((parameter.description or "").split())
    descriptions: dict[str, str] = {}
    hints = typing.get_type_hints(config_type)
    for field in dataclasses.fields(config_type):
        kind = _without_none(hints[field.name])
        if dataclasses.is_dataclass(kind):
            descriptions |= describe(typing.cast(type, kind), f"{prefix}{field.name}.")
        else:
            descriptions[prefix + field.name] = texts.get(field.name, "")
    return descriptions


def _build(kind: type, default: Any, values: Mapping[str, object], prefix: str) -> Any:
    """Build one dataclass from its part of the flat values, starting at `default`."""
    changes: dict[str, Any] = {}
    hints = typing.get_type_hints(kind)
    annotated = typing.get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        name = prefix + field.name
        inner = _without_none(hints[field.name])
        current = None if default is None else getattr(default, field.name)
        if dataclasses.is_dataclass(inner):
            below = [values[key] for key in values if key.startswith(f"{name}.")]
            if any(value is not None and value != "" for value in below):
                changes[field.name] = _build(typing.cast(type, inner), current, values, f"{name}.")
        elif name in values and not (values[name] in (None, "") and default is None):
            value = _from_leaf(values[name], hints[field.name], name)
            is_path = _PATH in getattr(annotated[field.name], "__metadata__", ())
            changes[field.name] = _at_home(value, name) if is_path else value
    try:
        return kind(**changes) if default is None else dataclasses.replace(default, **changes)
    except TypeError as error:
        raise ConfigError(f"{prefix or kind.__name__}: {error}; set every value of it") from error


def _at_home(path: str, name: str) -> str:
    """Return a path whose `~` is the home folder; raises ConfigError where nobody knows it."""
    expanded = os.path.expanduser(path)
    if expanded.startswith("~"):
        raise ConfigError(f"{name}: no home folder is known for '{path}': give a whole path")
    return expanded


def _without_none(hint: Any) -> Any:
    """Return X for `X | None`, else the hint itself."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        others = [a for a in typing.get_args(hint) if a is not type(None)]
        return others[0] if len(others) == 1 else hint
    return hint


def _to_leaf(value: Any) -> Leaf:
    """Convert one field's value to what a ROS parameter can hold."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        flat: list[Any] = []
        for item in value:
            leaf = _to_leaf(item)
            flat.extend(leaf if isinstance(leaf, list) else [leaf])
        return flat
    return value


def _from_leaf(value: Any, hint: Any, name: str) -> Any:
    """Convert a ROS parameter's value to what the field's type says.

    Raises:
        ConfigError: it cannot be converted without loss.
    """
    kind = _without_none(hint)
    if value is None or (value == "" and kind is not str):
        if kind is not hint:
            return None
        if typing.get_origin(kind) is tuple:
            return ()
        raise ConfigError(f"{name}: a value is needed")
    try:
        return _tuple(value, kind) if typing.get_origin(kind) is tuple else _scalar(value, kind)
    except (TypeError, ValueError) as error:
        expected = getattr(kind, "__name__", str(kind)) if typing.get_origin(kind) is None else kind
        shown = f"'{value}'" if isinstance(value, str) else value
        raise ConfigError(f"{name}: {shown} is not a {expected}: {error}") from error


def _scalar(value: Any, kind: type) -> Any:
    """Convert one value; only an integer may stand for a float."""
    if kind is float and type(value) is int:
        return float(value)
    if issubclass(kind, Enum):
        if value not in [member.value for member in kind]:
            raise ValueError(f"use {', '.join(str(member.value) for member in kind)}")
        return kind(value)
    if issubclass(kind, Path):
        return kind(value)
    if type(value) is not kind:
        raise TypeError(f"it is of type {type(value).__name__}")
    return value


def _tuple(value: Any, kind: Any) -> tuple[Any, ...]:
    """Convert a flat list to a tuple, or to a tuple of tuples of the inner type's length."""
    if isinstance(value, str):
        raise TypeError("it is of type str")
    items, inner = list(value), typing.get_args(kind)
    repeated = inner[-1:] == (Ellipsis,)
    if typing.get_origin(inner[0]) is tuple:
        width = len(typing.get_args(inner[0]))
        if len(items) % width:
            raise ValueError(f"its {len(items)} values are no multiple of {width}")
        rows = [items[i : i + width] for i in range(0, len(items), width)]
        if not repeated and len(rows) != len(inner):
            raise ValueError(f"{len(inner)} rows of {width} values are needed")
        return tuple(_tuple(row, inner[0]) for row in rows)
    if not repeated and len(items) != len(inner):
        raise ValueError(f"{len(inner)} values are needed")
    kinds = [inner[0]] * len(items) if repeated else list(inner)
    return tuple(_scalar(item, kind) for item, kind in zip(items, kinds, strict=True))
