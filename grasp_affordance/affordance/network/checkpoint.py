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
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import safetensors
import safetensors.torch
from torch import Tensor

from grasp_affordance import __version__
from grasp_affordance.errors import CheckpointError
from grasp_affordance.files import write_atomically
from grasp_affordance.papers.encoder import state_digest

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


def write_checkpoint(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write a checkpoint so that a reader sees the old file or the new one, never a part.

    Raises:
        CheckpointError: the file cannot be written; a file that was there before is untouched.
    """
    tensors = {n: t.detach().cpu().contiguous() for n, t in checkpoint.tensors.items()}
    header = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "architecture": checkpoint.architecture,
        "config": json.dumps(checkpoint.config, sort_keys=True),
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
        CheckpointError: missing, truncated, damaged, foreign, or of a newer format.
    """
    header, tensors = _read_file(Path(path))
    if header.get("format") != FORMAT:
        raise CheckpointError(
            f"'{path}' is no checkpoint of this package; encoder weights go into the parameter "
            "weights, trained models come from `grasp-affordance train`"
        )
    try:
        version = int(header["format_version"])
        if version > FORMAT_VERSION:
            raise CheckpointError(
                f"'{path}' has format {version}, this package reads up to {FORMAT_VERSION}; "
                "update the package"
            )
        checkpoint = Checkpoint(
            header["architecture"],
            json.loads(header["config"]),
            tensors,
            Provenance(**json.loads(header["provenance"])),
        )
        intact = header.pop("sha256") == _digest(header, tensors)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"the header of '{path}' is damaged: {error!r}") from error
    if not intact:
        raise CheckpointError(f"'{path}' is damaged; copy it again or use an earlier one")
    return checkpoint


def _read_file(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            # Cloned: the file is mapped into memory and may be replaced while the model runs.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
            return file.metadata() or {}, tensors
    except FileNotFoundError as error:
        raise CheckpointError(f"checkpoint '{path}' does not exist") from error
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(
            f"checkpoint '{path}' is truncated or not a safetensors file ({error}); copy it again "
            "or use an earlier one"
        ) from error


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
