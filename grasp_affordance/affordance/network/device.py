"""Where torch computes."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from grasp_affordance.errors import ConfigError


def usable_device(device: str) -> str:
    """Return the device; ConfigError if torch has none of that name."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        raise ConfigError(f"device '{device}' cannot be used: {error}") from error
    return device


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread of the processor, as long as the context lasts.

    A layer of a small network takes a few milliseconds, and threads wait for each other after every
    one. With the other cores free that wins little; beside a trainer or a simulator it loses half.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@functools.cache
def multiplies_bfloat16() -> bool:
    """Return whether this processor multiplies matrices of bfloat16 by itself (Intel's AMX).

    Where it has to imitate that, float32 is faster.
    """
    cpu = Path("/proc/cpuinfo")
    return cpu.exists() and "amx_bf16" in cpu.read_text()


def accelerator_name(device: str) -> str | None:
    """Return what a CUDA device calls itself, None for any other."""
    kind = torch.device(device)
    return torch.cuda.get_device_name(kind) if kind.type == "cuda" else None
