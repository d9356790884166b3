"""Frozen dataclasses to nested JSON values and back, every key and type checked.

A nested dataclass becomes a mapping, a tuple a list, an enumeration its value. The errors name the
key by its dotted path.
"""

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from grasp_affordance.errors import ConfigError

_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def to_dict(config: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as JSON values; `from_dict` is the inverse."""
    return {
        field.name: _to_json(getattr(config, field.name)) for field in dataclasses.fields(config)
    }


def from_dict[Config](
    kind: type[Config], data: Any, where: str = "", default: Config | None = None
) -> Config:
    """Build a dataclass from a mapping of its keys.

    Args:
        kind: a frozen dataclass. Its class variable `REQUIRED` may name keys that have to be there
            although their fields have defaults.
        data: the mapping; a key that is missing keeps its default.
        where: dotted path of the mapping, for errors; empty at the top.
        default: gives the values of missing keys; by default those of the class.

    Raises:
        ConfigError: an unknown key (with the nearest known one), a missing one, a value of the
            wrong type, or one that the dataclass refuses.
    """
    prefix = f"{where}." if where else ""
    if not isinstance(data, Mapping):
        raise ConfigError(f"{where or kind.__name__}: expected keys with values, got {data!r}")
    names = [field.name for field in dataclasses.fields(typing.cast(Any, kind))]
    for key in data:
        if key not in names:
            raise ConfigError(f"{prefix}{key}: unknown key; {_nearest(str(key), names, prefix)}")
    if default is None:
        missing = [key for key in getattr(kind, "REQUIRED", ()) if key not in data]
        if missing:
            raise ConfigError(f"{prefix}{missing[0]} is missing")
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in data.items():
        present = None if default is None else getattr(default, key)
        values[key] = _from_json(value, hints[key], prefix + key, present)
    try:
        if default is None:
            return kind(**values)
        return typing.cast(Config, dataclasses.replace(typing.cast(Any, default), **values))
    except (ConfigError, ValueError) as error:
        raise ConfigError(f"{where}: {error}" if where else str(error)) from error
    except TypeError as error:
        raise ConfigError(f"{where or kind.__name__}: {error}") from error


def differences(
    one: Mapping[str, Any], other: Mapping[str, Any], where: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted key, value in `one`, value in `other`) where two nested mappings differ.

    A key that one of them does not have is None there.
    """
    for key in dict.fromkeys([*one, *other]):
        a, b, name = one.get(key), other.get(key), f"{where}{key}"
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from differences(a, b, f"{name}.")
        elif a != b:
            yield name, a, b


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted key -> value as nested mappings."""
    result: dict[str, Any] = {}
    for key, value in values.items():
        inner = result
        *groups, last = key.split(".")
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[last] = value
    return result


def _nearest(key: str, names: list[str], prefix: str) -> str:
    close = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
    if close:
        return f"the nearest is {prefix}{close[0]}"
    return f"known are {', '.join(prefix + name for name in names)}"


def _to_json(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_dict(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_to_json(item) for item in value]
    return value


def _from_json(value: Any, hint: Any, name: str, default: Any) -> Any:
    """Convert one value to what its field's type says."""
    optional = typing.get_origin(hint) in (types.UnionType, typing.Union)
    if optional:
        if value is None:
            return None
        (hint,) = (a for a in typing.get_args(hint) if a is not types.NoneType)
    if dataclasses.is_dataclass(hint):
        return from_dict(typing.cast(type, hint), value, name, default)
    if typing.get_origin(hint) is tuple:
        return _tuple(value, hint, name)
    if issubclass(hint, Enum):
        values = [member.value for member in hint]
        if value not in values:
            raise ConfigError(f"{name}: expected one of {', '.join(values)}, got {value!r}")
        return hint(value)
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint or (hint is float and not math.isfinite(value)):
        raise ConfigError(f"{name}: expected {_WORDS[hint]}, got {value!r}")
    return value


def _tuple(value: Any, hint: Any, name: str) -> tuple[Any, ...]:
    inner = typing.get_args(hint)
    repeated = inner[-1:] == (Ellipsis,)
    if not isinstance(value, (list, tuple)) or not (repeated or len(value) == len(inner)):
        expected = "a list" if repeated else f"a list of {len(inner)}"
        raise ConfigError(f"{name}: expected {expected}, got {value!r}")
    kinds = [inner[0]] * len(value) if repeated else list(inner)
    return tuple(
        _from_json(item, kind, f"{name}[{i}]", None)
        for i, (item, kind) in enumerate(zip(value, kinds, strict=True))
    )
