"""How true the surface is that is laid through specks of depth, and where one is laid at all.

The first view of each pile is compared with the simulator's exact depth. Of recordings of a real
camera, whose depth nobody knows exactly, only the share of bridged pixels is told.

    python research/benchmarks/sparse_depth.py --seeds 20:25        #
    results/sparse_depth/views.json
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import tyro
from numpy.typing import NDArray

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.overlay import draw_overlay
from grasp_affordance.affordance.predictor import AffordancePredictor, PredictorConfig
from grasp_affordance.affordance.shipped import require_shipped_weights
from grasp_affordance.affordance.surface.sparse_depth import bridge_specks
from grasp_affordance.annotation.records import write_image
from grasp_affordance.evaluation.provenance import provenance
from grasp_affordance.evaluation.runner import parse_seeds
from grasp_affordance.files import write_atomically
from grasp_affordance.models import load_model
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import CAMERA_FILE, Sequence
from grasp_affordance.sim import Hardness, SimCell, SimConfig
from grasp_affordance.sim.piles.stacks import FAMILIES, TRAINING
from grasp_affordance.suction import Source
from research.report.panels import side_by_side

Image = NDArray[np.float32]
Picture = NDArray[np.uint8]

DARK = "dark_shiny"
ADVERSE = ("random", "crossed")


@dataclass(frozen=True)
class View:
    """One view.

    Attributes:
        scene, cell, seed: of the pile.
        missing: pixels of objects without depth.
        bridged: pixels of objects on which a surface was laid.
        beside: pixels of anything else on which one was laid.
        error, worst: of that surface on objects, median and 90th percentile, metres; None where
            there is none.
    """

    scene: str
    cell: str
    seed: int
    missing: int
    bridged: int
    beside: int
    error: float | None
    worst: float | None


def main(
    seeds: str = "20:25",
    output: Path = Path("results/sparse_depth/views.json"),
    recordings: Path = Path("../shared/data/real"),
    picture: Path | None = None,
) -> None:
    """Measure and print a table.

    Args:
        seeds: A:B, piles per scene.
        output: raw results.
        recordings: folder of recorded sequences; skipped where it is absent.
        picture: where the first dark pile is drawn; nowhere by default.
    """
    bright = [scene for scene in (*TRAINING, *FAMILIES) if scene != DARK]
    groups = {
        "dark and bare metal only": [(DARK, Hardness.REALISTIC)],
        "a fifth of them": [(scene, Hardness.ADVERSE) for scene in ADVERSE],
        "none": [(scene, Hardness.REALISTIC) for scene in bright],
    }
    views: list[View] = []
    for name, cells in groups.items():
        group = [
            look(scene, hardness, seed, picture if scene == DARK and number == 0 else None)
            for scene, hardness in cells
            for number, seed in enumerate(parse_seeds(seeds))
        ]
        print(summary(name, group), flush=True)
        views += group
    shares = {name: bridged_share(frame) for name, frame in recorded(recordings)}
    if shares:
        low, high = min(shares.values()), max(shares.values())
        print(f"{len(shares)} real frames: {low:.2%} to {high:.2%} of their pixels bridged")
    content = {
        "seeds": seeds,
        "provenance": provenance(),
        "views": [asdict(v) for v in views],
        "real": shares,
    }
    write_atomically(output, json.dumps(content, allow_nan=False).encode())


def look(scene: str, hardness: Hardness, seed: int, picture: Path | None) -> View:
    """Measure the first view of a pile."""
    with SimCell(SimConfig(scene=scene, hardness=hardness, seed=seed)) as cell:
        frame = cell.camera.read()
        filled, bridged = bridge_specks(frame.depth, frame.intrinsics)
        objects = cell.oracle.true_masks() >= 0
        error = np.abs(filled - cell.oracle.true_depth())[bridged & objects]
        if picture is not None:
            view = BinView(T_base_camera=cell.camera.pose(), bin=cell.bin)
            write_image(picture, drawn(frame, filled, view))
    return View(
        scene,
        str(hardness),
        seed,
        int((objects & ~frame.known).sum()),
        int((objects & bridged).sum()),
        int((bridged & ~objects).sum()),
        round(float(np.median(error)), 5) if error.size else None,
        round(float(np.quantile(error, 0.9)), 5) if error.size else None,
    )


def recorded(folder: Path) -> Iterator[tuple[str, RgbdFrame]]:
    """Yield the frames of all sequences in a folder, with the names of both."""
    for camera in sorted(folder.glob(f"*/{CAMERA_FILE}")):
        for name, frame in Sequence(camera.parent):
            yield f"{camera.parent.name}/{name}", frame


def bridged_share(frame: RgbdFrame) -> float:
    """Return the share of a frame's pixels on which a surface is laid."""
    return round(float(bridge_specks(frame.depth, frame.intrinsics)[1].mean()), 5)


def drawn(frame: RgbdFrame, filled: Image, view: BinView) -> Picture:
    """Return color, depth, the same with its specks bridged, and what the shipped weights say."""
    config = PredictorConfig(source=Source.LEARNED)
    found = AffordancePredictor(config, load_model(require_shipped_weights())).predict(frame, view)
    overlay = draw_overlay(frame.color, found.affordance, found.selection.points)
    panels = [frame.color, shaded(frame.depth), shaded(filled), overlay]
    return side_by_side(panels, found.allowed)


def shaded(depth: Image) -> Picture:
    """Return a depth image in colors (H, W, 3), black where it is unknown."""
    near, far = np.nanpercentile(depth, (1, 99))
    share = np.clip((far - depth) / (far - near), 0, 1)
    heat = cv2.applyColorMap(np.asarray(255 * np.nan_to_num(share), np.uint8), cv2.COLORMAP_VIRIDIS)
    return np.where(np.isfinite(depth)[..., None], heat[..., ::-1], 0).astype(np.uint8)


def summary(name: str, views: list[View]) -> str:
    """Return a line of the table."""
    missing, bridged = sum(v.missing for v in views), sum(v.bridged for v in views)
    line = (
        f"{name:25s} {len(views):3d} views: {missing} pixels of objects without depth, "
        f"{bridged / missing:.1%} as many bridged, {sum(v.beside for v in views)} beside objects"
    )
    medians = [1000 * v.error for v in views if v.error is not None]
    worst = [1000 * v.worst for v in views if v.worst is not None]
    if medians:
        line += f"; error {np.mean(medians):.1f} mm in the median, {np.mean(worst):.1f} mm at 90 %"
    return line


if __name__ == "__main__":
    tyro.cli(main)
