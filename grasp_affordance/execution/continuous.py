"""Picking until the bin is empty, or until going on would be of no use."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from grasp_affordance.attempt import Cause, Outcome
from grasp_affordance.errors import ConfigError, GraspAffordanceError
from grasp_affordance.execution.cancellation import Cancellation
from grasp_affordance.execution.picker import Picker, PickReport
from grasp_affordance.execution.proposal import PickRequest
from grasp_affordance.suction import Rejection


class End(StrEnum):
    """Why continuous picking ended."""

    EMPTY_BIN = "empty_bin"
    FULL = "full"  # the container into which objects are put, or nobody knows how full it is
    FAILURES = "failures"  # too many fruitless tries in a row
    FAULT = "fault"  # of the cell, the camera or the affordance node
    STOPPED = "stopped"  # on request


@dataclass(frozen=True)
class ContinuousConfig:
    """When continuous picking gives up.

    Attributes:
        failure_cap: fruitless tries in a row after which it ends: failed picks, and views without a
            point that may be picked, however many points of such a view were refused.
    """

    failure_cap: int = 10

    def __post_init__(self) -> None:
        if self.failure_cap < 1:
            raise ConfigError(f"failure_cap {self.failure_cap} must be at least 1")


@dataclass(frozen=True)
class Ending:
    """How continuous picking ended: the kind, and a sentence for a person."""

    end: End
    detail: str


def pick_continuously(
    picker: Picker,
    config: ContinuousConfig,
    begin: Callable[[], Cancellation | None],
    on_report: Callable[[PickReport], None],
    request: PickRequest | None = None,
) -> Ending:
    """Pick again and again; return why it ended.

    What an earlier run remembers of its failures is forgotten: the bin may have been changed.

    Args:
        picker: does the picks.
        begin: called before each pick; returns what can cancel it, or None to end here: on request,
            or because a simulator knows that nothing is left.
        on_report: told the result of each pick; picking ends where it raises an error of ours.
        request: the same for every pick.
    """
    fruitless = 0
    request = replace(request or PickRequest(), go_on=True)
    picker.start_bin()
    while (cancellation := begin()) is not None:
        if refusal := picker.placing.why_not():
            return Ending(End.FULL, refusal)
        report = picker.pick_best(request, cancellation)
        try:
            on_report(report)
        except GraspAffordanceError as error:
            return Ending(End.FAULT, f"{type(error).__name__}: {error}")
        if cancellation.requested:
            asked = cancellation.cause is Cause.CANCELLED
            # The last pick may have ended well, and then its report has no message.
            return Ending(End.STOPPED if asked else End.FAULT, cancellation.reason)
        if ending := _decisive(report):
            return ending
        succeeded = report.attempt is not None and report.attempt.succeeded
        fruitless = 0 if succeeded else fruitless + 1
        if fruitless >= config.failure_cap:
            detail = f"{fruitless} fruitless tries in a row; the last: {report.message}"
            return Ending(End.FAILURES, detail)
    return Ending(End.STOPPED, "picking was stopped")


def _decisive(report: PickReport) -> Ending | None:
    """Return the ending that one report alone calls for."""
    attempt = report.attempt
    if attempt is not None and attempt.outcome is Outcome.ABORTED:
        return Ending(End.FAULT, f"{attempt.cause}: {attempt.detail}")
    if attempt is None and Rejection.EMPTY_BIN in report.rejections:
        return Ending(End.EMPTY_BIN, report.message or "the bin is empty")
    if attempt is None and not report.rejections:
        return Ending(End.FAULT, report.message)  # nothing was evaluated: nobody could look
    return None
