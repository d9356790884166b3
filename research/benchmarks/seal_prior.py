"""Cost of the seal prior on a 640x480 frame, and of a whole prediction, against a per-pixel loop.

    python research/benchmarks/seal_prior.py [--frame SEQUENCE] [--repeats N] [--loop-cells N]

The baseline does for one cell what the prior does for all of them, in a plain loop over cells with
numpy inside: fit a plane to the footprint's points, read the depth along the cup rim, fit its
Fourier series. It runs over some cells and its time is scaled up to the grid. Stages and baseline
take turns within each repeat, so that other load on the machine hits all of them; CPU milliseconds,
over all threads, are what remains comparable when the machine is busy.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.predictor import AffordancePredictor
from grasp_affordance.affordance.seal.cup_rim import SAMPLES
from grasp_affordance.affordance.seal.seal import seal_prior
from grasp_affordance.affordance.surface.surface import Surface, observe_surface
from grasp_affordance.cell import Cup
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence

CUP = Cup()
UP = np.array([0.0, 0.0, -1.0])
BASELINE = "baseline: loop over cells"


def made_up_frame() -> RgbdFrame:
    """Return a 640x480 heap of bumps, 0.6 m away, with noise and holes as a stereo camera has."""
    rng = np.random.default_rng(0)
    v, u = np.mgrid[:480, :640]
    depth = 0.6 + 0.02 * np.sin(u / 25) * np.cos(v / 31) + rng.normal(0, 0.001, u.shape)
    depth[rng.random(depth.shape) < 0.01] = np.nan
    depth[100:160, 200:260] = np.nan
    color = np.zeros((480, 640, 3), np.uint8)
    camera = Intrinsics(616.0, 616.0, 319.5, 239.5, 640, 480)
    return RgbdFrame(color, depth.astype(np.float32), camera)


def loop_over_cells(surface: Surface, cells: list[tuple[int, int]]) -> None:
    """Fit plane and cup rim at each cell on its own."""
    angles = np.linspace(0, 2 * np.pi, SAMPLES, endpoint=False)
    basis = np.stack([np.ones(SAMPLES), *(f(k * angles) for k in (1, 2) for f in (np.cos, np.sin))])
    for row, column in cells:
        point = surface.points[row, column]
        u, v = surface.pixel(row, column)
        reach = max(2, round(CUP.radius * surface.camera.fx / point[2]))
        window = surface.depth[max(v - reach, 0) : v + reach, max(u - reach, 0) : u + reach]
        rows, columns = np.nonzero(np.isfinite(window))
        patch = surface.camera.deproject(
            columns + u - reach, rows + v - reach, window[rows, columns]
        )
        normal = np.linalg.eigh(np.cov(patch.T))[1][:, 0]
        first = np.linalg.svd(normal[None])[2][1]
        second = np.cross(normal, first)
        cup_rim = point + CUP.radius * (
            np.outer(np.cos(angles), first) + np.outer(np.sin(angles), second)
        )
        pixels = np.round(surface.camera.project(cup_rim)).astype(int)
        pixels = np.clip(pixels, 0, np.array(surface.depth.shape[::-1]) - 1)
        heights = (surface.depth[pixels[:, 1], pixels[:, 0]] - cup_rim[:, 2]) * normal[2]
        np.linalg.lstsq(basis.T, np.nan_to_num(heights), rcond=None)


def milliseconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return how long `work` takes: on the wall's clock and on the CPU's."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3


def main() -> None:
    """Print medians per stage and the ratio of CPU times to the loop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frame", type=Path, help="a sequence whose first frame is used")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--loop-cells", type=int, default=200)
    options = parser.parse_args()
    frame, view = made_up_frame(), BinView()
    if options.frame:
        sequence = Sequence(options.frame)
        frame = sequence.read(sequence.names[0])
        view = BinView(sequence.camera.T_base_camera, polygon=sequence.camera.region)
    surface = observe_surface(frame, CUP.radius)
    predictor = AffordancePredictor()
    known = np.argwhere(np.isfinite(surface.normals[..., 0]))
    chosen = np.random.default_rng(0).choice(len(known), options.loop_cells, replace=False)
    cells = [(int(row), int(column)) for row, column in known[chosen]]
    stages: dict[str, Callable[[], object]] = {
        "surface (holes, normals, distances)": lambda: observe_surface(frame, CUP.radius),
        "cup rim and score": lambda: seal_prior(surface, CUP, UP),
        "seal prior (both)": lambda: seal_prior(observe_surface(frame, CUP.radius), CUP, UP),
        "frame to ranked points": lambda: predictor.predict(frame, view),
        BASELINE: lambda: loop_over_cells(surface, cells),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in stages}
    for name, work in [*stages.items()] * options.repeats:
        times[name].append(milliseconds(work))
    measured = {name: np.array(values) for name, values in times.items()}
    measured[BASELINE] *= len(known) / options.loop_cells
    baseline = float(np.median(measured[BASELINE][:, 1]))
    height, width = frame.shape
    print(f"{width}x{height} pixels, {surface.shape[1]}x{surface.shape[0]} cells")
    print(f"{'stage':38} {'wall ms':>9} {'CPU ms':>9} {'least CPU ms':>13} {'loop / stage':>13}")
    for name, values in measured.items():
        wall, cpu = np.median(values, axis=0)
        least = values[:, 1].min()
        print(f"{name:38} {wall:9.1f} {cpu:9.1f} {least:13.1f} {baseline / cpu:13.0f}")


if __name__ == "__main__":
    main()
