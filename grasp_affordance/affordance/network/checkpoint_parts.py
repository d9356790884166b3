"""Several sets of tensors in one checkpoint: a network beside its optimiser, told apart by name."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]


def prefixed(prefix: str, tensors: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return copies of tensors or numbers under the names `prefix.name`."""
    return {f"{prefix}.{name}": torch.as_tensor(value).clone() for name, value in tensors.items()}


def part(prefix: str, tensors: Tensors) -> dict[str, Tensor]:
    """Return what `prefixed` was given."""
    start = f"{prefix}."
    return {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return what an optimiser has gathered (moments, counts), under `optimiser.index.name`."""
    state = optimiser.state_dict()["state"]
    tensors: dict[str, Tensor] = {}
    for index, values in state.items():
        tensors |= prefixed(f"optimiser.{index}", values)
    return tensors


def load_optimiser(optimiser: torch.optim.Optimizer, tensors: Tensors) -> None:
    """Bring an optimiser back to what `optimiser_tensors` returned; its settings stay its own."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in part("optimiser", tensors).items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def differences(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return the dotted names under which two configurations differ, or that only one of them has.

    Both are as JSON has them.
    """
    missing, found = object(), []
    for name in [*wanted, *(name for name in present if name not in wanted)]:
        one, other = present.get(name, missing), wanted.get(name, missing)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found += [f"{name}.{each}" for each in differences(one, other)]
        elif one != other:
            found.append(name)
    return found
