"""A grasp attempt as one JSON object; its frames are stored beside, by name."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.config_dict import from_dict, to_dict
from grasp_affordance.attempt import Cause, GraspAttempt, Outcome, Phase, PhaseReport, PressureTrace, Removal
from grasp_affordance.suction import Source, SuctionPoint
from grasp_affordance.rgbd import RgbdFrame


def to_json(attempt: GraspAttempt, before: str | None, after: str | None) -> dict[str, Any]:
    """Return the attempt as JSON values; NaN becomes null.

    Args:
        before, after: names of its stored frames; None where there is none.
    """
    point = attempt.point
    return {
        "index": attempt.index,
        "stamp_ns": attempt.stamp_ns,
        "point": {
            "u": point.u,
            "v": point.v,
            "position": _values(point.position),
            "normal": _values(point.normal),
            "probability": _finite(point.probability),
            "source": point.source.value,
        },
        "T_base_camera": _values(attempt.T_base_camera),
        "T_base_tool": _values(attempt.T_base_tool),
        "bin": to_dict(attempt.bin) if attempt.bin else None,
        "outcome": attempt.outcome.value,
        "cause": attempt.cause.value,
        "detail": attempt.detail,
        "phases": [
            {
                "phase": report.phase.value,
                "duration": _finite(report.duration),
                "vacuum": _finite(report.vacuum),
                "tcp_height": _finite(report.tcp_height),
            }
            for report in attempt.phases
        ],
        "pressure": {
            "times": _values(np.round(attempt.pressure.times, 4)),
            "vacuum": _values(np.round(attempt.pressure.vacuum.astype(float), 3)),
        },
        "contact_height": _finite(attempt.contact_height),
        "policy": attempt.policy,
        "model_version": attempt.model_version,
        "before": before,
        "after": after,
        "true_outcome": attempt.true_outcome.value if attempt.true_outcome else None,
        "true_cause": attempt.true_cause.value if attempt.true_cause else None,
        "removal": asdict(attempt.removal) if attempt.removal else None,
    }


def from_json(
    data: dict[str, Any], before: RgbdFrame | None = None, after: RgbdFrame | None = None
) -> GraspAttempt:
    """Return the attempt of `to_json`'s object.

    Raises:
        KeyError, ValueError: the object is not one.
    """
    point = data["point"]
    return GraspAttempt(
        index=int(data["index"]),
        stamp_ns=int(data["stamp_ns"]),
        point=SuctionPoint(
            u=int(point["u"]),
            v=int(point["v"]),
            position=np.array(point["position"], dtype=np.float64),
            normal=np.array(point["normal"], dtype=np.float64),
            probability=_number(point["probability"]),
            source=Source(point["source"]),
        ),
        T_base_camera=np.array(data["T_base_camera"], dtype=np.float64),
        T_base_tool=np.array(data["T_base_tool"], dtype=np.float64),
        bin=from_dict(BinGeometry, data["bin"], "bin") if data["bin"] else None,
        outcome=Outcome(data["outcome"]),
        cause=Cause(data["cause"]),
        detail=data["detail"],
        phases=tuple(
            PhaseReport(
                Phase(report["phase"]),
                _number(report["duration"]),
                _number(report["vacuum"]),
                _number(report["tcp_height"]),
            )
            for report in data["phases"]
        ),
        pressure=PressureTrace(
            np.array(data["pressure"]["times"], dtype=np.float64),
            np.array(data["pressure"]["vacuum"], dtype=np.float32),
        ),
        contact_height=_number(data["contact_height"]),
        policy=data["policy"],
        model_version=data["model_version"],
        before=before,
        after=after,
        true_outcome=Outcome(data["true_outcome"]) if data["true_outcome"] else None,
        true_cause=Cause(data["true_cause"]) if data["true_cause"] else None,
        removal=Removal(**data["removal"]) if data["removal"] else None,
    )


def _values(array: NDArray[Any]) -> list[Any]:
    """Return an array as nested lists; what is not finite, such as an unknown pose, is None.

    NumPy reads None back as NaN.
    """
    values = array.astype(object)
    values[~np.isfinite(array)] = None
    return list(values.tolist())


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
