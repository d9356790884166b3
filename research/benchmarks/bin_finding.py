"""How well `find_bin` finds simulated bins, and whether it finds some where none of a size is.

    python research/benchmarks/bin_finding.py

Of 200 views with a bin of five kinds, five fills and any pose, half are searched for its own size
and half for all kinds' sizes but that of another bin in view. Of 50 views without one, half show
clutter or nothing and are searched for all sizes, half show a bin whose size is not in the list:
another kind's, or 10 or 5 % off. 25 more views cut the bin off at one side.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tyro

from grasp_affordance.affordance.bin.find_bin import find_bin
from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.predictor import PredictorConfig, look
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import BinNotFoundError, FrameError
from research.benchmarks.bin_scenes import FILLS, KINDS, Scene, Scenes
from research.tables import Table, write_table

SIZES = tuple(kind.size for kind in KINDS.values())
NEAR, TURNED, FULLER = 0.010, float(np.radians(1)), 0.10  # what counts as right


@dataclass(frozen=True)
class Row:
    """One view.

    Attributes:
        group: kind of the bin, or what is wrong with the view.
        fill: true share of the bin's volume; NaN without a bin.
        wanted: fill that was asked of the simulator.
        answer: found, or why not.
        milliseconds: of processor time for a full search.
        again: the same where the bin is expected there.
        off: error of the centre, metres; as the others NaN where no bin is found.
        turned: error of the yaw, radians.
        higher: error of the floor, metres.
        fuller: error of the fill.
        size: whether the right size was found.
    """

    group: str
    fill: float
    wanted: float
    answer: str
    milliseconds: float
    again: float = np.nan
    off: float = np.nan
    turned: float = np.nan
    higher: float = np.nan
    fuller: float = np.nan
    size: bool = False

    @property
    def found(self) -> bool:
        """Whether a bin was found."""
        return self.answer == "found"

    @property
    def right(self) -> bool:
        """Whether it was the right one, where it is."""
        near = self.off < NEAR and abs(self.higher) < NEAR and self.turned < TURNED
        return self.found and self.size and near


Sizes = tuple[tuple[float, float, float], ...]


def search(scene: Scene, sizes: Sizes, group: str, wanted: float) -> Row:
    """Look for a bin of some sizes and compare it with the truth."""
    start = time.process_time()
    try:
        box = find_bin(scene.frame, scene.T_base_camera, sizes)
    except BinNotFoundError as error:
        taken = 1e3 * (time.process_time() - start)
        return Row(group, scene.fill, wanted, str(error), taken)
    taken = 1e3 * (time.process_time() - start)
    start = time.process_time()
    find_bin(scene.frame, scene.T_base_camera, sizes, box)
    again = 1e3 * (time.process_time() - start)
    true = scene.bin
    period = np.pi if true.size[0] != true.size[1] else np.pi / 2
    turned = abs((box.yaw - true.yaw + period / 2) % period - period / 2)
    off = float(np.hypot(*np.subtract(box.centre, true.centre)))
    higher = box.floor - true.floor
    fuller = fill(scene, box) - scene.fill
    right = box.size == true.size
    return Row(group, scene.fill, wanted, "found", taken, again, off, turned, higher, fuller, right)


def fill(scene: Scene, box: BinGeometry) -> float:
    """Return how full the bin looks."""
    try:
        seen = look(scene.frame, PredictorConfig(), BinView(scene.T_base_camera, box))
    except FrameError:
        return float("nan")
    return seen.scene.region.fill


def views(scenes: Scenes, each: int) -> Iterator[Row]:
    """Measure all views; `each` of a kind and a fill."""
    for number in range(each):
        for level, wanted in enumerate(FILLS):
            for index, (name, kind) in enumerate(KINDS.items()):
                rng = np.random.default_rng([40, index, level, number])
                others = [other for other in KINDS.values() if other is not kind]
                scene = scenes.make(rng, kind, wanted, others)
                sizes = tuple(size for size in SIZES if size != scene.other)
                yield search(scene, (kind.size,) if number % 2 else sizes, name, wanted)
                if number == 0:
                    rng = np.random.default_rng([41, index, level])
                    scene = scenes.make(rng, kind, wanted, (), cut=True)
                    yield search(scene, (kind.size,), "cut off by the image", wanted)
    for number in range(50 * each // 8):
        rng = np.random.default_rng([42, number])
        wanted = FILLS[number % 5]
        if number % 2:
            yield search(scenes.make(rng, None), SIZES, "no bin", np.nan)
            continue
        kind = list(KINDS.values())[number // 2 % 5]
        scene = scenes.make(rng, kind, wanted)
        factor = (None, 0.9, 1.1, 0.95, 1.05)[number // 10]
        if factor is None:
            sizes = tuple(size for size in SIZES if size != kind.size)
            yield search(scene, sizes, "another size", wanted)
        else:
            sizes = ((kind.size[0] * factor, kind.size[1] * factor, kind.size[2]),)
            yield search(scene, sizes, f"size {100 * factor - 100:+.0f} %", wanted)


def summary(group: str, rows: list[Row]) -> list[str | int]:
    """Return a row of the table."""
    found = [row for row in rows if row.found]
    with_bin = [row for row in found if row.size]

    def quantiles(values: list[float], digits: int = 1) -> str:
        values = [value for value in values if np.isfinite(value)]
        if not values:
            return ""
        return " / ".join(f"{each:.{digits}f}" for each in np.quantile(values, [0.5, 0.99, 1]))

    return [
        group,
        len(rows),
        len(found),
        sum(row.found and not row.right for row in rows),
        quantiles([1e3 * row.off for row in with_bin]),
        quantiles([float(np.degrees(row.turned)) for row in with_bin], 2),
        quantiles([1e3 * abs(row.higher) for row in with_bin]),
        quantiles([100 * abs(row.fuller) for row in with_bin]),
        quantiles([row.milliseconds for row in rows], 0),
        quantiles([row.again for row in rows], 0),
    ]


def table(rows: list[Row], revision: str, machine: str) -> Table:
    """Return the published table."""
    real = [row for row in rows if row.group in KINDS]
    parts = {"all with a bin": real}
    parts |= {name: [row for row in real if row.group == name] for name in KINDS}
    parts |= {f"{100 * f:.0f} % full": [row for row in real if row.wanted == f] for f in FILLS}
    for row in rows:
        if row.group not in KINDS:
            parts.setdefault(row.group, []).append(row)
    return Table(
        title="Bins found by their inner size in simulated views",
        command="python research/benchmarks/bin_finding.py",
        seeds="40:43",
        revision=revision,
        machine=machine,
        columns=[
            "views",
            "number",
            "found",
            "found wrong",
            "centre, mm",
            "yaw, degrees",
            "floor, mm",
            "fill, points",
            "full search, ms",
            "where expected, ms",
        ],
        rows=[summary(name, part) for name, part in parts.items()],
        note="Errors and processor milliseconds: median / 99 % / largest. Wrong: another size, or "
        "off by more than 10 mm or 1 degree. The finder was made with views of other seeds.",
    )


def main(
    each: int = 8,
    revision: str = "",
    machine: str = "AMD EPYC, 2 cores",
    raw: Path = Path("output/benchmarks/bin_finding.jsonl"),
    output: Path = Path("results/bin_finding.json"),
) -> None:
    """Measure, print and write the table.

    Args:
        each: views of a kind and a fill.
        revision: commit that is measured.
        machine: that it runs on.
        raw: one line per view, written as they come.
        output: the table.
    """
    raw.parent.mkdir(parents=True, exist_ok=True)
    scenes = Scenes()
    rows = []
    with raw.open("w") as lines:
        for row in views(scenes, each):
            rows.append(row)
            print(json.dumps(asdict(row)), file=lines, flush=True)
    scenes.close()
    result = table(rows, revision, machine)
    print(result.markdown())
    write_table(output, result)


if __name__ == "__main__":
    tyro.cli(main)
