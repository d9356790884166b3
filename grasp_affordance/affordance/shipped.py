"""The weights that come with the package, so that a new robot picks from its first attempt on."""

from pathlib import Path

from grasp_affordance.errors import CheckpointError

SHIPPED = Path("shipped")
"""What a user says instead of a file's name."""

_SHIPPED = Path(__file__).parents[1] / "weights" / "default.safetensors"


def shipped_weights() -> Path | None:
    """Return the checkpoint that comes with this installation; None where there is none."""
    return _SHIPPED if _SHIPPED.is_file() else None


def require_shipped_weights() -> Path:
    """Return the checkpoint that comes with this installation.

    Raises:
        CheckpointError: there is none.
    """
    path = shipped_weights()
    if path is None:
        raise CheckpointError(
            f"no weights are shipped with this installation ({_SHIPPED} is missing); name a file "
            "that `grasp-affordance train` has written"
        )
    return path


def weights_file(name: Path) -> Path:
    """Return the checkpoint that a user has named: a file, or `shipped`.

    Raises:
        CheckpointError: none is shipped with this installation.
    """
    return require_shipped_weights() if name == SHIPPED else name
