"""How good automatic labels are, measured in the simulated cell with its sensor model on.

Objects are removed one by one in a sensible order (nothing lies on the next one; highest first) and
every pair of frames is annotated. The renderer tells the true mask. Between the removals come pairs
in which nothing leaves: two frames of one state, the pile before and after it settles, and piles
that were pushed.

    python research/benchmarks/annotation_quality.py --seeds 5
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from grasp_affordance.annotation.change.refinement import RefinementConfig
from grasp_affordance.annotation.drawing import draw_pair
from grasp_affordance.annotation.metrics import mask_iou
from grasp_affordance.annotation.pair import AnnotationConfig, PairAnnotation, annotate_pair
from grasp_affordance.annotation.records import write_image
from grasp_affordance.files import write_atomically
from grasp_affordance.papers.annotation.pipeline import paper_mask
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sim import SimCell, SimConfig

SCENES = ("random", "rows", "crossed", "standing", "test2", "test3", "boxes", "mixed")
PUSH_PERIODS = 8  # of 8 ms: how long a push lasts
MOVED = 0.005  # metres: an object that moved further than this after a removal was disturbed
LEAST_VISIBLE = 200  # pixels: an object of which less is seen is not a removal to label


@dataclass(frozen=True)
class Case:
    """One pair and what became of it.

    Attributes:
        scene, seed: of the stack.
        kind: `removal`, or why nothing left: `still`, `settling`, `pushed`.
        status, reason: of the annotation.
        iou: of the mask with the truth; NaN unless a removal was annotated.
        paper_iou: of the paper's mask, which has no gates; NaN unless something was removed.
        visible: true pixels of the removed object.
        disturbed: how far the others moved, metres; the largest.
        rectangles: how many.
        seconds: the annotation took.
    """

    scene: str
    seed: int
    kind: str
    status: str
    reason: str
    iou: float
    paper_iou: float
    visible: int
    disturbed: float
    rectangles: int
    seconds: float


def main(
    seeds: int = 5,
    scenes: tuple[str, ...] = SCENES,
    output: Path = Path("output/benchmarks/quality.json"),
    pictures: Path | None = None,
) -> None:
    """Measure and print a table.

    Args:
        seeds: stacks per scene.
        scenes: names of the simulator's stacks.
        output: raw results.
        pictures: folder for the pictures of labels that are wrong; none by default.
    """
    cases: list[Case] = []
    for scene in scenes:
        for seed in range(seeds):
            with SimCell(SimConfig(scene=scene, seed=seed)) as cell:
                rng = np.random.default_rng([seed, 5])
                for case, frame, pair in clear(cell, scene, seed, rng):
                    cases.append(case)
                    if pictures is not None and wrong(case):
                        name = f"{scene}.{seed}.{len(cases):04d}.{case.kind}.{case.iou:.2f}.png"
                        write_image(pictures / name, draw_pair(frame.color, pair))
        print(summary(scene, [case for case in cases if case.scene == scene]), flush=True)
    print(summary("all", cases))
    ends = Counter((c.kind, c.reason or c.status) for c in cases)
    for (kind, end), count in sorted(ends.items()):
        print(f"  {kind:10s} {end:20s} {count}")
    content = {"seeds": seeds, "scenes": scenes, "cases": [as_json(case) for case in cases]}
    write_atomically(output, json.dumps(content, allow_nan=False).encode())


def clear(
    cell: SimCell, scene: str, seed: int, rng: np.random.Generator
) -> Iterator[tuple[Case, RgbdFrame, PairAnnotation]]:
    """Remove everything, one object after the other; yield each pair."""
    config = AnnotationConfig()
    while not cell.is_empty():
        before, again = cell.camera.read(), cell.camera.read()
        yield evaluate("still", before, again, config, scene, seed)
        chosen = cell.oracle.uppermost()
        truth = cell.oracle.true_masks() == chosen
        places = cell.world.positions()
        cell.world.park(chosen)
        cell.world.step()
        falling = cell.camera.read()
        cell.resettle()
        after = cell.camera.read()
        moved = motion(cell, places)
        if truth.sum() >= LEAST_VISIBLE:
            yield evaluate("removal", before, after, config, scene, seed, truth, moved)
        yield evaluate("settling", falling, after, config, scene, seed, disturbed=moved)
        if not cell.is_empty() and rng.random() < 0.3:
            yield push(cell, after, config, scene, seed, rng)


def push(
    cell: SimCell,
    before: RgbdFrame,
    config: AnnotationConfig,
    scene: str,
    seed: int,
    rng: np.random.Generator,
) -> tuple[Case, RgbdFrame, PairAnnotation]:
    """Push some objects sideways, as a hand or a failed pick does, and let them come to rest."""
    world = cell.world
    places, masses = world.positions(), world.masses()
    count = len(world.present)
    chosen = rng.choice(world.present, size=min(3, count), replace=False)
    for k in chosen:  # forces wake sleeping objects
        body = world.body(int(k))
        world.data.xfrc_applied[body, :3] = masses[k] * np.array([*rng.uniform(-12, 12, 2), 12.0])
    world.step(PUSH_PERIODS)
    for k in chosen:
        world.data.xfrc_applied[world.body(int(k))] = 0.0
    cell.resettle()
    kind = "pushed" if len(world.present) == count else "pushed out"
    after = cell.camera.read()
    return evaluate(kind, before, after, config, scene, seed, disturbed=motion(cell, places))


def evaluate(
    kind: str,
    before: RgbdFrame,
    after: RgbdFrame,
    config: AnnotationConfig,
    scene: str,
    seed: int,
    truth: np.ndarray | None = None,
    disturbed: float = 0.0,
) -> tuple[Case, RgbdFrame, PairAnnotation]:
    """Annotate a pair and compare it with the truth."""
    start = time.perf_counter()
    pair = annotate_pair(before, after, config)
    seconds = time.perf_counter() - start
    iou = paper_iou = float("nan")
    if truth is not None:
        paper_iou = mask_iou(paper_mask(before.depth, after.depth, RefinementConfig()), truth)
        if pair.region is not None:
            iou = mask_iou(pair.region.mask, truth)
    case = Case(
        scene=scene,
        seed=seed,
        kind=kind,
        status=str(pair.pair_result.status),
        reason=str(pair.pair_result.reason or ""),
        iou=iou,
        paper_iou=paper_iou,
        visible=0 if truth is None else int(truth.sum()),
        disturbed=disturbed,
        rectangles=len(pair.rectangles),
        seconds=seconds,
    )
    return case, before, pair


def motion(cell: SimCell, places: np.ndarray) -> float:
    """Return how far an object in the bin moved since `places` (N, 3), metres; the largest."""
    present = cell.world.present
    if not present:
        return 0.0
    steps = cell.world.positions()[present] - places[present]
    return float(np.linalg.norm(steps, axis=1).max())


def as_json(case: Case) -> dict[str, Any]:
    """Return a case by name, rounded; NaN, which JSON lacks, is null."""
    return {
        key: (round(value, 4) if np.isfinite(value) else None)
        if isinstance(value, float)
        else value
        for key, value in asdict(case).items()
    }


def wrong(case: Case) -> bool:
    """Whether a case is worth a look."""
    if case.kind == "removal":
        return case.status != "annotated" or case.iou < 0.85
    return case.status == "annotated" and case.kind != "pushed out"


def summary(name: str, cases: list[Case]) -> str:
    """Return one line of the table."""
    removals = [case for case in cases if case.kind == "removal"]
    calm = [case for case in removals if case.disturbed <= MOVED]
    nothing = [case for case in cases if case.kind in ("still", "settling", "pushed")]
    false = [case for case in nothing if case.status == "annotated"]
    ious = [case.iou for case in removals if case.status == "annotated"]

    def share(group: list[Case]) -> str:
        done = sum(case.status == "annotated" for case in group)
        return f"{done}/{len(group)} ({done / max(len(group), 1):.1%})"

    return (
        f"{name:10s} removals {share(removals)}, undisturbed {share(calm)}; "
        f"IoU mean {np.mean(ious):.3f}, 5 % below {np.quantile(ious, 0.05):.3f}, "
        f"{sum(iou < 0.5 for iou in ious)} wrong; "
        f"paper's IoU {np.mean([case.paper_iou for case in removals]):.3f}; "
        f"false {len(false)}/{len(nothing)}; "
        f"median {np.median([case.seconds for case in cases]) * 1e3:.0f} ms"
    )


if __name__ == "__main__":
    tyro.cli(main)
