"""A learned model on disk: safetensors with a header that says what it is and where it is from.

The file is written atomically and verified as a whole when read. Nothing in it is executed. The
header is architecture-neutral: `model.load_model` decides what `architecture` means.
"""

import functools
import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from grasp_affordance import __version__
from grasp_affordance.errors import CheckpointError
from grasp_affordance.files import parse_json, write_atomically

FORMAT = "grasp_affordance"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Provenance:
    """Where weights are from.

    Attributes:
        attempts: picks made when they were put into service; their probabilities are corrected by
            the outcomes of the newest.
        learned_from: picks they were trained on, fewer where earlier weights were put back; None
            where nobody recorded it.
        command: that trained them.
        package_version: of this package.
        revision: `git describe` of its source, empty where it is no checkout.
    """

    attempts: int = 0
    command: str = ""
    package_version: str = __version__
    revision: str = ""
    learned_from: int | None = None

    @classmethod
    def of_this_process(cls, attempts: int, learned_from: int | None = None) -> Self:
        """Fill in everything from the running program."""
        return cls(attempts, shlex.join(sys.argv), __version__, _revision(), learned_from)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a file holds.

    Attributes:
        architecture: name that `load_model` dispatches on.
        config: of the architecture, JSON values only.
        tensors: name to CPU tensor.
        provenance: where they are from.
    """

    architecture: str
    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    provenance: Provenance = field(default_factory=Provenance)


@contextmanager
def damage_as_checkpoint_error(what: str) -> Iterator[None]:
    """Turn whatever reading raises into a CheckpointError that begins with `what`.

    The content of a file decides what fails and how: a wrong type, a missing key, a size that no
    memory holds. Whoever serves weights needs one answer to all of it. A CheckpointError passes as
    it is.
    """
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(
            f"{what} ({error!r}); use the package version that wrote the file, copy it again, or "
            "use an earlier one"
        ) from error


def write_checkpoint(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write a checkpoint so that a reader sees the old file or the new one, never a part.

    Raises:
        CheckpointError: a number is not finite, or the file cannot be written; a file that was
            there before is untouched.
    """
    tensors = {n: t.detach().cpu().contiguous() for n, t in checkpoint.tensors.items()}
    wrong = _not_finite(tensors)
    if wrong:
        raise CheckpointError(
            f"'{path}' is not written: {wrong}; training has gone wrong, the weights before stay"
        )
    try:
        config = json.dumps(checkpoint.config, sort_keys=True, allow_nan=False)
    except ValueError as error:
        raise CheckpointError(f"the header of '{path}' cannot be written: {error}") from error
    header = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "architecture": checkpoint.architecture,
        "config": config,
        "provenance": json.dumps(asdict(checkpoint.provenance), sort_keys=True),
    }
    header["sha256"] = _digest(header, tensors)
    try:
        write_atomically(path, safetensors.torch.save(tensors, metadata=header))
    except OSError as error:
        raise CheckpointError(
            f"checkpoint '{path}' cannot be written ({error}); check the folder and free space"
        ) from error


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read and verify a checkpoint.

    Raises:
        CheckpointError: missing, truncated, damaged, foreign, of a newer format, or a number in it
            is not finite.
    """
    header, tensors = _read_file(Path(path))
    if header.get("format") != FORMAT:
        raise CheckpointError(
            f"'{path}' is no checkpoint of this package; encoder weights go into the parameter "
            "weights, trained models come from `grasp-affordance train`"
        )
    with damage_as_checkpoint_error(f"the header of '{path}' is damaged"):
        version = int(header["format_version"])
        if version > FORMAT_VERSION:
            raise CheckpointError(
                f"'{path}' has format {version}, this package reads up to {FORMAT_VERSION}; "
                "update the package"
            )
        config = parse_json(header["config"])
        if not isinstance(config, dict):
            raise TypeError(f"the config is a {type(config).__name__}")
        provenance = _provenance(parse_json(header["provenance"]))
        checkpoint = Checkpoint(header["architecture"], config, tensors, provenance)
        intact = header.pop("sha256") == _digest(header, tensors)
    if not intact:
        raise CheckpointError(f"'{path}' is damaged; copy it again or use an earlier one")
    wrong = _not_finite(tensors)
    if wrong:
        raise CheckpointError(f"'{path}' is of no use: {wrong}; use an earlier one")
    return checkpoint


def _provenance(data: Any) -> Provenance:
    """Return what a header says; raises TypeError where a value is of another type."""
    found = Provenance(**data)
    counts = [found.attempts, *([] if found.learned_from is None else [found.learned_from])]
    texts = (found.command, found.package_version, found.revision)
    if not all(type(count) is int and count >= 0 for count in counts):
        raise TypeError(f"{counts} are no numbers of attempts")
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"{texts} are no texts")
    return found


def _not_finite(tensors: Mapping[str, Tensor]) -> str:
    """Return which tensor holds a number that is not finite; empty where all are."""
    for name, tensor in tensors.items():
        wrong = tensor.numel() - int(torch.isfinite(tensor).sum())
        if wrong:
            return f"{wrong} of {tensor.numel()} numbers in '{name}' are not finite"
    return ""


def _read_file(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    what = f"checkpoint '{path}' is truncated or not a safetensors file"
    with damage_as_checkpoint_error(what):
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                # Cloned: the file is mapped into memory and may be replaced while the model runs.
                names = file.keys()
                tensors = {name: file.get_tensor(name).clone() for name in names}
                return file.metadata() or {}, tensors
        except FileNotFoundError as error:
            raise CheckpointError(f"checkpoint '{path}' does not exist") from error


def state_digest(state: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 (hex) of tensors: names, types, shapes and every byte, in order of name.

    The same weights give the same digest whatever the device or memory format.
    """
    digest = hashlib.sha256()
    for name in sorted(state):
        array = state[name].detach().cpu().contiguous().numpy()
        digest.update(f"{name} {array.dtype} {array.shape};".encode())
        digest.update(array.data)
    return digest.hexdigest()


def _digest(header: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of everything in the file but itself."""
    text = json.dumps(dict(header), sort_keys=True) + state_digest(tensors)
    return hashlib.sha256(text.encode()).hexdigest()


@functools.cache  # a trainer writes a checkpoint after every attempt
def _revision() -> str:
    """Describe the checkout that this file is tracked in, not one it happens to lie in."""
    if not _git("ls-files", "--error-unmatch", Path(__file__).name):
        return ""
    return _git("describe", "--always", "--dirty", "--tags")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""  # installed without git: the package version must do
    return result.stdout.strip() if result.returncode == 0 else ""
