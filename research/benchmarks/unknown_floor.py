"""What it costs not to know the floor: where the best five points lie, and what they promise.

    python research/benchmarks/unknown_floor.py [--views 12]

Simulated bins of three kinds are looked at without their box: packed with parts, full of objects at
random, and nearly empty with a glossy floor, beneath which the camera sees mirror images. Views in
which the floor is found all the same do not count.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import tyro
from numpy.typing import NDArray

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.doubt import may_be_floor
from grasp_affordance.affordance.predictor import AffordancePredictor, PredictorConfig
from grasp_affordance.affordance.shipped import require_shipped_weights
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.geometry import invert, transform_points
from grasp_affordance.models import load_model
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sim import SimCell, SimConfig
from grasp_affordance.sim.piles.objects import ObjectSpec, Placement
from grasp_affordance.sim.piles.shapes import box
from grasp_affordance.suction import Source

KINDS = ("packed", "full", "glossy")
_AROUND = np.ones((5, 5), np.uint8)  # pixels by which the calibration may be off


@dataclass(frozen=True)
class Options:
    """How much to measure.

    Attributes:
        views: of each kind.
        seed: of the first.
    """

    views: int = 12
    seed: int = 0


@dataclass(frozen=True)
class Best:
    """One of the best five points.

    Attributes:
        on_object: whether it lies on an object, truly.
        doubted: whether it lies where the floor may be.
        promise: its probability.
    """

    on_object: bool
    doubted: bool
    promise: float


def packed(bin_: BinGeometry, rng: np.random.Generator) -> list[Placement]:
    """Return one or two layers of equal parts, a tenth of the upper one missing."""
    x, y, z = rng.uniform((0.06, 0.05, 0.025), (0.095, 0.08, 0.05))
    gap, layers = rng.uniform(0.002, 0.008), int(rng.integers(1, 3))
    counts = [
        int((side - 0.004) // (part + gap)) for side, part in zip(bin_.size, (x, y), strict=False)
    ]
    placements = []
    for layer, i, j in np.ndindex(layers, *counts):
        if layer == layers - 1 and rng.random() < 0.1:
            continue
        middle = [
            (k - (n - 1) / 2) * (s + gap) for k, n, s in zip((i, j), counts, (x, y), strict=True)
        ]
        spec = ObjectSpec(box(float(x), float(y), float(z)), (*rng.uniform(0.2, 0.9, 3), 1.0))
        at = np.array([*middle, z / 2 + layer * z + 0.001])
        placements.append(Placement(spec, at, np.array([1.0, 0.0, 0.0, 0.0])))
    return placements


def glossy(frame: RgbdFrame, floor: NDArray[np.bool_], rng: np.random.Generator) -> RgbdFrame:
    """Return the frame with 2 to 12 % of the floor (H, W) seen 2 to 6 cm too far, in blots."""
    blots = cv2.GaussianBlur(rng.normal(size=frame.shape), (0, 0), 4)
    mirrored = floor & (blots > np.quantile(blots, 1 - rng.uniform(0.02, 0.12)))
    farther = frame.depth + np.float32(rng.uniform(0.02, 0.06))
    return replace(frame, depth=np.where(mirrored, farther, frame.depth))


def views(kind: str, options: Options) -> Iterator[tuple[RgbdFrame, BinView, NDArray[np.bool_]]]:
    """Return frames, what is known of the bin, and where objects are (H, W), truly."""
    scenes = {"packed": ["boxes"], "full": ["full"], "glossy": ["random", "boxes", "mixed", "thin"]}
    for seed in range(options.seed, options.seed + options.views):
        rng = np.random.default_rng([seed, KINDS.index(kind)])
        scene = scenes[kind][seed % len(scenes[kind])]
        objects = int(rng.choice([3, 6, 12])) if kind == "glossy" else 0
        with SimCell(SimConfig(seed=seed, scene=scene, objects=objects)) as cell:
            if kind == "packed":
                cell.lay_out(packed(cell.bin, rng), kind)
            frame, T = cell.camera.read(), cell.camera.pose()
            there = cell.camera.object_ids() >= 0
            if kind == "glossy":
                base = transform_points(T, frame.intrinsics.deproject_image(frame.depth))
                with np.errstate(invalid="ignore"):
                    level = np.abs(base[..., 2] - cell.bin.floor) < 0.008
                frame = glossy(frame, level & ~there, rng)
            x, y = cell.bin.size[0] / 2, cell.bin.size[1] / 2
            corners = np.array([[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0]])
            seen = transform_points(invert(T) @ cell.bin.T_base_bin, corners)
            there = cv2.dilate(there.view(np.uint8), _AROUND) > 0
            yield frame, BinView(T, polygon=np.asarray(frame.intrinsics.project(seen))), there
            yield frame, BinView(T), there


def main(options: Options) -> None:
    """Print a line for each kind and source."""
    model = load_model(require_shipped_weights())
    sources = {Source.PRIOR: None, Source.LEARNED: model}
    for kind in KINDS:
        found: dict[Source, list[Best]] = defaultdict(list)
        for frame, known, there in views(kind, options):
            for source, learned in sources.items():
                seen = AffordancePredictor(PredictorConfig(source=source), learned).predict(
                    frame, known
                )
                scene = seen.scene
                if scene.region.floor_known:
                    continue
                doubted = scene.surface.mask_to_image(may_be_floor(scene.surface, scene.region))
                for point in seen.selection.points[:5]:
                    at = point.v, point.u
                    found[source].append(
                        Best(bool(there[at]), bool(doubted[at]), point.probability)
                    )
        for source, best in found.items():
            for where, chosen in (
                ("doubted", [each for each in best if each.doubted]),
                ("others", [each for each in best if not each.doubted]),
            ):
                on_object = np.mean([each.on_object for each in chosen]) if chosen else np.nan
                promise = np.mean([each.promise for each in chosen]) if chosen else np.nan
                print(
                    f"{kind} {source} {where}: {len(chosen)} points, {on_object:.2f} on objects, "
                    f"promise {promise:.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main(tyro.cli(Options))
