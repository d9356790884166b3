"""A picture of where the shipped weights would pick in real scenes and in two simulated bins.

    python research/benchmarks/real_scenes.py [--output docs/images/real_scenes.png]

Each tile is a color image beside its affordance map with the best five points, under one caption.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import tyro
from PIL import Image as Picture

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.overlay import draw_overlay
from grasp_affordance.affordance.predictor import AffordancePredictor, PredictorConfig
from grasp_affordance.affordance.shipped import require_shipped_weights
from grasp_affordance.arrays import Color
from grasp_affordance.files import write_atomically
from grasp_affordance.models import load_model
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence
from grasp_affordance.sim import SimCell, SimConfig
from grasp_affordance.suction import Source

_SIZE, _BAR, _ACROSS = (300, 225), 20, 2  # a picture, the caption above it, tiles side by side
_SHADES = 64  # of the palette: the file stays below 300 kB


@dataclass(frozen=True)
class Options:
    """What to draw.

    Attributes:
        scenes: folder with one sequence for each scene.
        seed: of the simulated bins.
        output: the picture.
    """

    scenes: Path = Path("../shared/data/real")
    seed: int = 4
    output: Path = Path("docs/images/real_scenes.png")


def views(options: Options) -> Iterator[tuple[str, RgbdFrame, BinView]]:
    """Return a caption, a frame and what is known of the bin, for every tile."""
    for folder in sorted(path for path in options.scenes.iterdir() if path.is_dir()):
        sequence = Sequence(folder)
        known = BinView(sequence.camera.T_base_camera, polygon=sequence.camera.region)
        for name in sequence.names:
            yield f"{folder.name} {name}", sequence.read(name), known
    for scene in ("random", "full"):
        with SimCell(SimConfig(scene=scene, seed=options.seed)) as cell:
            yield f"simulated {scene}", cell.camera.read(), BinView(cell.camera.pose(), cell.bin)


def tile(caption: str, frame: RgbdFrame, overlay: Color) -> Color:
    """Return color and overlay side by side, cut to one shape, under the caption."""
    height, width = frame.shape
    wide = min(width, height * _SIZE[0] // _SIZE[1])
    cut = np.s_[:, (width - wide) // 2 : (width + wide) // 2]
    shrunk = [
        cv2.resize(each[cut], _SIZE, interpolation=cv2.INTER_AREA)
        for each in (frame.color, overlay)
    ]
    bar = np.full((_BAR, 2 * _SIZE[0], 3), 255, np.uint8)
    cv2.putText(bar, caption, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 40, 40), 1, cv2.LINE_AA)
    return np.vstack([bar, np.hstack(shrunk)])


def main(options: Options) -> None:
    """Draw the picture."""
    model = load_model(require_shipped_weights())
    predictor = AffordancePredictor(PredictorConfig(source=Source.LEARNED), model)
    tiles = []
    for caption, frame, known in views(options):
        seen = predictor.predict(frame, known)
        points = seen.selection.points[:5]
        radius, focal = predictor.config.cup.radius, frame.intrinsics.fx
        overlay = draw_overlay(frame.color, seen.affordance, points, radius, focal)
        best = f"{points[0].probability:.2f}" if points else "none"
        tiles.append(tile(f"{caption}: best point {best}", frame, overlay))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % _ACROSS)
    rows = [np.hstack(tiles[i : i + _ACROSS]) for i in range(0, len(tiles), _ACROSS)]
    data = BytesIO()
    picture = Picture.fromarray(np.vstack(rows)).quantize(_SHADES)
    picture.save(data, "PNG", optimize=True)
    write_atomically(options.output, data.getvalue())


if __name__ == "__main__":
    main(tyro.cli(Options))
