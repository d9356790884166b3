"""Where torch computes."""

import torch

from grasp_affordance.errors import ConfigError


def usable_device(device: str) -> str:
    """Return the device; ConfigError if torch has none of that name."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        raise ConfigError(f"device '{device}' cannot be used: {error}") from error
    return device


def accelerator_name(device: str) -> str | None:
    """Return what a CUDA device calls itself, None for any other."""
    kind = torch.device(device)
    return torch.cuda.get_device_name(kind) if kind.type == "cuda" else None
