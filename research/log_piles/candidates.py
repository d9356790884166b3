"""Candidates of a detector in recorded log piles: held against the truth and simulated jaws."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from grasp_affordance.detection.pose import surface_depth
from grasp_affordance.detection.samples import ScoredRectangle
from grasp_affordance.evaluation.statistics import success_interval
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence as Recording
from grasp_affordance.sim.piles import shapes
from grasp_affordance.sim.piles.log_piles import DENSITY
from grasp_affordance.sim.piles.objects import Material, ObjectSpec
from research.log_piles.grasp_validity import Fault, ValidityConfig, evaluate, top_down_grasp
from research.log_piles.jaw_grasp import JawBench, JawOutcome
from research.log_piles.sequences import LogScene, read_scene, true_camera

NO_DEPTH = "no_depth"  # outcome of a candidate whose height the frame does not tell
_BOOTSTRAP_SEED = 0

Detect = Callable[[RgbdFrame, np.ndarray | None], Sequence[ScoredRectangle]]


@dataclass(frozen=True)
class CandidateRow:
    """One candidate.

    Attributes:
        image: folder and frame.
        score: the detector's.
        x, y, theta, w, h: rectangle, pixels and radians.
        fault: why it is not valid; `none` for a valid one.
        strict: the same, if the plates have to get down as far as they are sent.
        opening, width: of the gripper and of the log, metres; None without a log.
        outcome: of the simulated grasp; None if it was not tried.
    """

    image: str
    score: float
    x: float
    y: float
    theta: float
    w: float
    h: float
    fault: str
    opening: float | None
    width: float | None
    outcome: str | None
    strict: str = ""

    @property
    def valid(self) -> bool:
        """Whether both criteria hold."""
        return self.fault == Fault.NONE

    @property
    def lifted(self) -> bool:
        """Whether the simulated jaws lifted the log alone."""
        return self.outcome == JawOutcome.LIFTED


@dataclass(frozen=True)
class ScoredImage:
    """The candidates of one image, best first."""

    image: str
    rows: tuple[CandidateRow, ...]


def evaluate_recording(
    recording: Recording,
    names: Sequence[str],
    detect: Detect,
    config: ValidityConfig,
    region: np.ndarray | None = None,
    tried: float = 1.0,
) -> list[ScoredImage]:
    """Detect in frames of a recorded pile and evaluate every candidate.

    Args:
        recording: with its truth.
        names: of the frames.
        detect: a detector; called with a frame and `region`.
        config: limits of the two criteria.
        region: (H, W) bool, where objects can be.
        tried: candidates with at least this score are tried by the simulated jaws as well.
    """
    images = []
    for name in names:
        frame, scene = recording.read(name), read_scene(recording, name)
        candidates = list(detect(frame, region))
        image = f"{recording.folder.name}/{name}"
        rows = evaluate_candidates(image, recording, frame, scene, candidates, config, tried)
        images.append(ScoredImage(image, tuple(rows)))
    return images


def evaluate_candidates(
    image: str,
    recording: Recording,
    frame: RgbdFrame,
    scene: LogScene,
    candidates: Sequence[ScoredRectangle],
    config: ValidityConfig,
    tried: float,
) -> list[CandidateRow]:
    """Evaluate the candidates of one frame; see `evaluate_recording`.

    The criteria see the true scene from the camera's true pose. The simulated gripper goes where a
    robot would send it: by the measured depth and the calibrated pose.
    """
    pose = recording.camera.T_base_camera
    assert pose is not None  # every recorded pile has it
    bench = None
    if any(candidate.score >= tried for candidate in candidates):
        bench = JawBench(_objects(scene), config.jaws)
    rows = []
    for candidate in candidates:
        rectangle = candidate.rectangle
        outcome = None
        if bench is not None and candidate.score >= tried:
            outcome = _try(bench, rectangle, frame, pose)
        rows.append(
            CandidateRow(
                image=image,
                score=candidate.score,
                x=float(rectangle.x),
                y=float(rectangle.y),
                theta=float(rectangle.theta),
                w=float(rectangle.w),
                h=float(rectangle.h),
                outcome=outcome,
                **_evaluated(rectangle, recording, scene, config),
            )
        )
    return rows


def evaluate_anew(
    image: ScoredImage, recording: Recording, name: str, config: ValidityConfig
) -> ScoredImage:
    """Evaluate kept candidates again, after a change of the criteria; what was tried stays."""
    scene = read_scene(recording, name)
    rows = [
        replace(
            row,
            **_evaluated(
                GraspRectangle(row.x, row.y, row.theta, row.w, row.h), recording, scene, config
            ),
        )
        for row in image.rows
    ]
    return ScoredImage(image.image, tuple(rows))


def _evaluated(
    rectangle: GraspRectangle, recording: Recording, scene: LogScene, config: ValidityConfig
) -> dict[str, Any]:
    """Return the fields of a row that follow from the truth."""
    camera = recording.camera
    assert camera.bin is not None  # every recorded pile has it
    place = (camera.intrinsics, true_camera(recording), camera.bin)
    found = evaluate(rectangle, scene.logs, *place, config)
    strict = evaluate(rectangle, scene.logs, *place, replace(config, depth=config.jaws.reach))
    return {
        "fault": str(found.fault),
        "strict": str(strict.fault),
        "opening": None if found.grasp is None else found.grasp.opening,
        "width": None if found.grasp is None else found.width,
    }


def summarise(
    images: Sequence[ScoredImage], threshold: float, most: int | None = None
) -> dict[str, Any]:
    """Return the figures of evaluated images as a JSON object; None where nothing is known.

    Args:
        images: evaluated.
        threshold: candidates with a lower score do not count.
        most: only so many of each image, the best.

    - `valid`: share of valid candidates, with the 95 % interval that resamples images;
      `strictly_valid`: of those whose plates get down as far as they are sent;
      `lifted`: share that the simulated jaws lifted alone, of those that were tried.
    - `best_valid`, `best_lifted`: the same of each image's best candidate, over all images: an
      image without candidates counts as a miss.
    - `faults`, `outcomes`: counted.
    - `agree`: share of tried candidates for which both say the same.
    """
    kept = [[row for row in image.rows if row.score >= threshold][:most] for image in images]
    rows = [row for image in kept for row in image]
    tried = [row for row in rows if row.outcome is not None]
    counts = [len(image) for image in kept]
    valid = [sum(row.valid for row in image) for image in kept]
    interval = None
    if rows:
        found = success_interval(valid, counts, np.random.default_rng(_BOOTSTRAP_SEED))
        interval = [found.low, found.high]
    return {
        "images": len(images),
        "threshold": threshold,
        "candidates": len(rows),
        "per_image": float(np.mean(counts)) if images else None,
        "empty_images": sum(count == 0 for count in counts),
        "valid": _share([row.valid for row in rows]),
        "strictly_valid": _share([row.strict == Fault.NONE for row in rows]),
        "valid_interval": interval,
        "lifted": _share([row.lifted for row in tried]),
        "best_valid": _share([bool(image) and image[0].valid for image in kept]),
        "best_lifted": _share([bool(image) and image[0].lifted for image in kept]),
        "agree": _share([row.valid == row.lifted for row in tried]),
        "faults": dict(Counter(row.fault for row in rows).most_common()),
        "outcomes": dict(Counter(row.outcome for row in tried).most_common()),
    }


def images_to_json(images: Sequence[ScoredImage]) -> list[dict[str, Any]]:
    """Return evaluated images as JSON values; `images_from_json` is the inverse."""
    return [
        {"image": image.image, "rows": [_rounded(asdict(row)) for row in image.rows]}
        for image in images
    ]


def images_from_json(data: Sequence[dict[str, Any]]) -> list[ScoredImage]:
    """Inverse of `images_to_json`; raises KeyError or TypeError where it is none."""
    return [
        ScoredImage(entry["image"], tuple(CandidateRow(**row) for row in entry["rows"]))
        for entry in data
    ]


def _objects(scene: LogScene) -> list[tuple[ObjectSpec, np.ndarray]]:
    return [
        (
            ObjectSpec(
                shapes.cylinder(log.radius, log.length),
                color,
                density=DENSITY,
                material=Material.BARK,
            ),
            log.T_base_cylinder,
        )
        for log, color in zip(scene.logs, scene.colors, strict=True)
    ]


def _try(
    bench: JawBench, rectangle: GraspRectangle, frame: RgbdFrame, T_base_camera: np.ndarray
) -> str:
    z = surface_depth(rectangle, frame)
    if z is None:
        return NO_DEPTH
    grasp = top_down_grasp(rectangle, z, frame.intrinsics, T_base_camera)
    return str(bench.grasp(grasp).outcome)


def _share(values: Sequence[bool]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {key: round(v, 5) if isinstance(v, float) else v for key, v in row.items()}
