"""Whether pieces of surface tell what lies on what, and where objects have their middle.

Objects are removed one by one (nothing lies on the next one; highest first). In every view between,
each piece of which four fifths belong to one object is compared with the simulator's truth: whether
another object presses on it from above, and where its centre of mass is, seen from above.

    python research/benchmarks/pieces.py --seeds 20:23        # results/pieces/pieces.json
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import tyro
from numpy.typing import NDArray

from grasp_affordance.affordance.seal.segments import horizontal_axes
from grasp_affordance.annotation.records import write_image
from grasp_affordance.evaluation.provenance import provenance
from grasp_affordance.evaluation.runner import parse_seeds
from grasp_affordance.files import write_atomically
from grasp_affordance.geometry import invert, transform_points
from grasp_affordance.sim import Hardness, ObjectState
from research.report.panels import side_by_side
from research.unloading import PileView, unload

SCENES = ("random", "crossed", "standing", "test2", "boxes", "mixed", "lids", "irregular")
LEAST = 12  # cells: smaller pieces are noise
COVERED = 0.012  # metres of border: the prior's `cover`


@dataclass(frozen=True)
class Judged:
    """One piece against the truth, lengths in metres.

    Attributes:
        scene, seed: of the stack.
        under: whether something presses on the object.
        covered: length of the piece's covered border.
        off_expected, off_seen: of the centre of mass from the piece's expected middle, and from the
            middle of what is seen of it.
    """

    scene: str
    seed: int
    under: bool
    covered: float
    off_expected: float
    off_seen: float


def main(
    seeds: str = "20:23",
    scenes: tuple[str, ...] = SCENES,
    output: Path = Path("results/segments/segments.json"),
    picture: Path | None = None,
) -> None:
    """Measure and print a table.

    Args:
        seeds: A:B, stacks per scene.
        scenes: names of the simulator's stacks.
        output: raw results.
        picture: where the first view is drawn; nowhere by default.
    """
    evaluated: list[Judged] = []
    for scene in scenes:
        of_scene: list[Judged] = []
        for view in unload(scene, parse_seeds(seeds), Hardness.REALISTIC):
            of_scene += evaluate(view)
            if picture is not None:
                write_image(picture, drawn(view))
                picture = None
        print(summary(scene, of_scene), flush=True)
        evaluated += of_scene
    print(summary("all", evaluated))
    content = {
        "seeds": seeds,
        "provenance": provenance(),
        "segments": [asdict(j) for j in evaluated],
    }
    write_atomically(output, json.dumps(content, allow_nan=False).encode())


def evaluate(view: PileView) -> Iterator[Judged]:
    """Yield the pieces of a view that belong to one object."""
    oracle, scene = view.cell.oracle, view.prediction.scene
    surface, segments = scene.surface, scene.seal.segments
    axes = horizontal_axes(scene.region.up)
    places = surface.points @ axes
    size = (surface.shape[1], surface.shape[0])
    owners = cv2.resize(oracle.true_masks(), size, interpolation=cv2.INTER_NEAREST)
    objects = {each.object_id: each for each in oracle.objects()}
    for number in range(1, int(segments.labels.max()) + 1):
        cells = segments.labels == number
        owner = owner_of(owners[cells], objects)
        if owner is None:
            continue
        centre = transform_points(invert(oracle.T_base_camera), owner.centre_of_mass) @ axes
        yield Judged(
            view.scene,
            view.seed,
            bool(owner.under),
            round(float(segments.covered[cells][0]), 4),
            round(float(np.linalg.norm(centre - middle(places[cells], segments.lever[cells]))), 4),
            round(float(np.linalg.norm(centre - places[cells].mean(axis=0))), 4),
        )


def owner_of(owners: NDArray[np.int32], objects: dict[int, ObjectState]) -> ObjectState | None:
    """Return the object to which four fifths of a piece's cells belong, if there is one."""
    ids, counts = np.unique(owners, return_counts=True)
    if len(owners) < LEAST or counts.max() < 0.8 * len(owners):
        return None
    return objects.get(int(ids[counts.argmax()]))


def middle(places: NDArray[np.float64], lever: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the place (2,) from which the places (N, 2) are `lever` (N,) away."""
    origin = places.mean(axis=0)
    p = places - origin  # |p - m|^2 = lever^2 is linear in (m, |m|^2)
    design = np.column_stack([2 * p, -np.ones(len(p))])
    solution = np.linalg.lstsq(design, np.square(p).sum(axis=1) - np.square(lever), rcond=None)[0]
    return np.asarray(origin + solution[:2])


def summary(name: str, evaluated: list[Judged]) -> str:
    """Return a line of the table."""
    under = np.array([each.under for each in evaluated])
    said = np.array([each.covered > COVERED for each in evaluated])
    expected = 1000 * np.array([each.off_expected for each in evaluated])
    seen = 1000 * np.array([each.off_seen for each in evaluated])
    covered = said & under
    return (
        f"{name:10s} {len(evaluated):5d} pieces, {under.mean():4.0%} under another; covered said of "
        f"{said[under].mean():4.0%} of these and {said[~under].mean():4.0%} of the others; "
        f"centre of mass off the middle expected / seen, median: covered "
        f"{np.median(expected[covered]):4.1f} / {np.median(seen[covered]):4.1f} mm, "
        f"free {np.median(expected[~said]):4.1f} mm"
    )


def drawn(view: PileView) -> NDArray[np.uint8]:
    """Return color, covered border and lever side by side, (H, 3 W, 3) uint8 RGB."""
    surface, segments = view.prediction.scene.surface, view.prediction.scene.seal.segments
    dim = (view.frame.color // 3).astype(np.uint8)
    there = surface.mask_to_image(segments.there)
    panels = [view.frame.color]
    near = 0.05 - np.minimum(segments.lever, np.float32(0.05))
    for values in (segments.covered, near.astype(np.float32)):
        share = np.clip(surface.to_image(values) / 0.05, 0, 1)
        heat = cv2.applyColorMap((255 * share).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1]
        panels.append(np.where(there[..., None], heat, dim))
    return side_by_side(panels, view.prediction.allowed)


if __name__ == "__main__":
    tyro.cli(main)
