"""The annotation paper's recordings in the simulated cell: log piles taken apart one by one.

A recorded pile is a sequence (`sequence.py`) with, for each frame before a removal,

NNNN.truth.png   8-bit, 255 on the log that is removed next, as the renderer knows it
NNNN.frame.json  besides the stamp: `logs` (every log that lies there: radius, length, color, pose)
                 and `removed`, the index of the next one in it; null in the last frame
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from grasp_affordance.annotation.bin_polygon import bin_polygon
from grasp_affordance.annotation.change.difference import (
    DifferenceConfig,
    color_change,
    depth_change,
)
from grasp_affordance.annotation.change.region import measure
from grasp_affordance.annotation.formats.label_folder import complete_folder, refuse_unless_empty
from grasp_affordance.annotation.pair import PairAnnotation
from grasp_affordance.annotation.records import PairsFile, read_mask, write_mask
from grasp_affordance.annotation.rectangles import ProposalConfig, propose
from grasp_affordance.annotation.result import ANNOTATED, Reason, rejected
from grasp_affordance.annotation.sequence_labels import Annotated, write_labels
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import SequenceError
from grasp_affordance.geometry import Array
from grasp_affordance.rectangle import JawConfig
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence as Recording
from grasp_affordance.sequence import SequenceCamera, SequenceWriter
from grasp_affordance.sim import SimCell
from grasp_affordance.sim.piles.objects import RGBA
from research.log_piles.cylinders import Cylinder
from research.log_piles.grasp_validity import ValidityConfig, covered, evaluate_grasp
from research.log_piles.jaws import TopDownGrasp

_SPOTS = 9  # along a log at which the person who removes it thinks of grasping
_ENOUGH = 0.5  # share of them at which the gripper has to find room
_HEAP = 0.05  # metres: what is seen of the heap lies up to this high above the bin's floor


@dataclass(frozen=True, eq=False)
class LogScene:
    """What truly lies in the bin in one frame.

    Attributes:
        logs: the cylinders.
        colors: of each.
        removed: index of the log that was taken next; None if none was.
    """

    logs: tuple[Cylinder, ...]
    colors: tuple[RGBA, ...]
    removed: int | None


def record_log_pile(
    cell: SimCell, folder: Path, config: ValidityConfig, most: int | None = None
) -> int:
    """Take the logs of the cell's present pile out; record a frame before each and one at the end.

    It ends when the gripper can take none of those that are left. The folder is there when all is
    recorded, and not before; it is not made if there is nothing to take. Returns how many logs were
    taken, at most `most`.

    Raises:
        SequenceError: `folder` holds something.
    """
    refuse_unless_empty(folder)
    taken = 0
    camera = SequenceCamera(
        cell.camera.intrinsics,
        region=bin_polygon(cell.bin, cell.camera.intrinsics, cell.oracle.T_base_camera, heap=_HEAP),
        T_base_camera=cell.camera.pose(),
        bin=cell.bin,
        extra={"T_base_camera_true": cell.oracle.T_base_camera.tolist()},
    )
    with complete_folder(folder) as making:
        writer = SequenceWriter(making, camera)
        while not cell.is_empty() and (most is None or taken < most):
            ids, scene = present_logs(cell)
            chosen = next_log(scene.logs, cell.bin, config)
            if chosen is None:
                break
            mask = cell.oracle.true_masks() == ids[chosen]
            name = writer.append(cell.camera.read(), _facts(scene, chosen))
            write_mask(making / f"{name}.truth.png", mask)
            cell.world.park(ids[chosen])
            cell.resettle()
            taken += 1
        writer.append(cell.camera.read(), _facts(present_logs(cell)[1], None))
    return taken


def present_logs(cell: SimCell) -> tuple[list[int], LogScene]:
    """Return the ids of the logs in the bin, and how they lie."""
    states = cell.oracle.objects()
    logs = []
    for state in states:
        assert state.spec.shape.cylinder is not None  # a log pile holds nothing else
        radius, half = state.spec.shape.cylinder
        logs.append(Cylinder(radius, 2 * half, state.T_base_object))
    colors = tuple(state.spec.rgba for state in states)
    return [state.object_id for state in states], LogScene(tuple(logs), colors, None)


def next_log(
    logs: Sequence[Cylinder], bin_geometry: BinGeometry, config: ValidityConfig
) -> int | None:
    """Return the log that a person with this gripper would take next; None if it can take none.

    The highest of those that the gripper can take at half of the spots along them or more, its
    plates all the way down.
    """
    config = replace(config, depth=config.jaws.reach)
    shares = [graspable_share(index, logs, bin_geometry, config) for index in range(len(logs))]
    good = [index for index, share in enumerate(shares) if share >= _ENOUGH]
    return max(good, key=lambda index: logs[index].centre[2] + logs[index].radius, default=None)


def graspable_share(
    index: int, logs: Sequence[Cylinder], bin_geometry: BinGeometry, config: ValidityConfig
) -> float:
    """Return the share of spots along a log at which the gripper can take it."""
    log = logs[index]
    if covered(log, [*logs[:index], *logs[index + 1 :]], config):
        return 0.0
    yaw = float(np.arctan2(log.axis[1], log.axis[0]))
    offsets = np.linspace(-0.35, 0.35, _SPOTS) * log.length
    grasps = [TopDownGrasp(log.centre + at * log.axis, yaw, 2 * log.radius) for at in offsets]
    return float(
        np.mean(
            [evaluate_grasp(grasp, index, logs, bin_geometry, config).valid for grasp in grasps]
        )
    )


def read_scene(recording: Recording, name: str) -> LogScene:
    """Return what truly lay in the bin in a recorded frame.

    Raises:
        SequenceError: the recording does not tell.
    """
    facts = recording.facts(name)
    try:
        logs = tuple(
            Cylinder(float(log["radius"]), float(log["length"]), np.array(log["T_base_log"], float))
            for log in facts["logs"]
        )
        colors = tuple(tuple(float(c) for c in log["rgba"]) for log in facts["logs"])
        removed = facts["removed"]
    except (KeyError, TypeError, ValueError) as error:
        raise SequenceError(
            f"{recording.folder / name}.frame.json does not tell where logs lie: {error!r}"
        ) from error
    return LogScene(logs, colors, None if removed is None else int(removed))  # type: ignore[arg-type]


def true_camera(recording: Recording) -> Array:
    """Return the true `T_base_camera` (4, 4) of a recorded pile.

    Raises:
        SequenceError: the recording does not tell.
    """
    try:
        return np.array(recording.camera.extra["T_base_camera_true"], dtype=np.float64)
    except KeyError as error:
        raise SequenceError(f"{recording.folder} does not tell the camera's true pose") from error


def label_exactly(
    recording: Recording,
    output: Path,
    jaw: JawConfig | None = None,
    proposals: ProposalConfig | None = None,
) -> PairsFile:
    """Write the labels that perfect segmentation gives, as `annotate_sequence` writes its own.

    The masks are the renderer's; rectangles come from the same code as for automatic labels.

    Raises:
        SequenceError: a mask is missing, or `output` holds something to lose.
    """
    annotated = _exact_pairs(recording, jaw or JawConfig(), proposals or ProposalConfig())
    return write_labels(recording, output, annotated)


def _exact_pairs(
    recording: Recording, jaw: JawConfig, proposals: ProposalConfig
) -> Iterator[Annotated]:
    frames = iter(recording)
    name, before = next(frames)
    for next_name, after in frames:
        mask = read_mask(recording.folder / f"{name}.truth.png")
        yield (name, next_name), before, _exact_pair(before, after, mask, jaw, proposals)
        name, before = next_name, after


def _exact_pair(
    before: RgbdFrame,
    after: RgbdFrame,
    mask: np.ndarray,
    jaw: JawConfig,
    proposals: ProposalConfig,
) -> PairAnnotation:
    if not mask.any():
        return PairAnnotation(rejected(Reason.TOO_SMALL, "nothing of the log is in view"))
    limits = DifferenceConfig()
    change = depth_change(before.depth, after.depth, limits)
    recolored = color_change(before.color, after.color, limits.color_change)
    border = np.ones(mask.shape, bool)
    border[1:-1, 1:-1] = False
    region = measure(mask, before.depth, change, recolored, border, before.intrinsics)
    grasps = propose(mask, before.depth, before.intrinsics, jaw, proposals)
    if not grasps.fitting:
        pair_result = rejected(Reason.NO_RECTANGLE, "no chord across the mask fits the gripper")
        return PairAnnotation(pair_result, regions=(region,))
    return PairAnnotation(ANNOTATED, region, grasps.fitting, (region,))


def _facts(scene: LogScene, removed: int | None) -> dict[str, Any]:
    return {
        "removed": removed,
        "logs": [
            {
                "radius": log.radius,
                "length": log.length,
                "rgba": list(color),
                "T_base_log": log.T_base_cylinder.tolist(),
            }
            for log, color in zip(scene.logs, scene.colors, strict=True)
        ],
    }
