"""The parameters of the recorder node, and its words."""

from dataclasses import dataclass, field
from typing import ClassVar

from grasp_affordance.annotation.recording.recorder import (
    REFUSALS,
    Reason,
    RecordDecision,
    RecorderConfig,
)
from grasp_affordance.errors import ConfigError
from grasp_affordance.ros.common.config_values import FilePath

_REMEDIES = {
    Reason.CAMERA_MOVED: "put the camera back, or begin another folder",
    Reason.STALE_FRAME: "see that the camera runs and that the clocks agree",
    Reason.STALE_DEPTH: "restart the camera's driver",
    Reason.TOO_MUCH_CHANGED: "take out one object at a time, or begin another folder",
    Reason.NO_DEPTH: "see that nothing covers the camera, and that depth is on",
    Reason.DIFFERENT_CAMERA: "begin another folder",
    Reason.INTRUDER: "take hand or arm out of the view",
}


@dataclass(frozen=True)
class RecorderNodeConfig:
    """What is recorded, and where it goes.

    Attributes:
        folder: sequence to write, new or begun before with the same camera.
        by_itself: keep a frame whenever the scene is at rest and has changed; otherwise only when
            `~/record` is called.
        rate: frames that are evaluated at most, Hz.
        cell: file of the cell's description, or the name of one that comes with the package; its
            bin, or the bin's outline in the image, goes to `camera.json`.
        recorder: when a frame is worth keeping.
    """

    PARAMETERS: ClassVar[tuple[str, ...]] = (
        "cell",
        "folder",
        "by_itself",
        "rate",
    )

    folder: FilePath = ""
    by_itself: bool = True
    rate: float = 5.0
    cell: FilePath = ""
    recorder: RecorderConfig = field(default_factory=RecorderConfig)

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 100:
            raise ConfigError(f"rate {self.rate} Hz is not between 0 and 100")


def is_refusal(decision: RecordDecision) -> bool:
    """Return whether somebody has to do something before a frame can be kept."""
    return not decision.keep and decision.reason in REFUSALS | {Reason.INTRUDER}


def headline(decision: RecordDecision) -> str:
    """Return the reason and what to do about it, without measured facts."""
    remedy = f"; {_REMEDIES[decision.reason]}" if decision.reason in _REMEDIES else ""
    return f"{decision.reason}{remedy}"


def in_words(decision: RecordDecision, name: str | None) -> str:
    """Return what became of a frame, one sentence; begins with its name or its reason."""
    detail = f": {decision.detail}" if decision.detail else ""
    if name is not None:
        return f"kept {name} ({decision.reason}){detail}"
    return f"{headline(decision)}{detail}"
