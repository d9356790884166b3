"""How long annotation of one pair takes, as a ratio to the paper's pipeline in the same run.

Both label the same simulated removals at 640x480, turn by turn. The ratio is what to compare
between machines; the milliseconds are of this one. Processor time tells what the work costs where
other processes hold the machine's cores: with one thread it is the latency of an idle machine.

    python research/benchmarks/annotation_speed.py
"""

import json
import time
from pathlib import Path

import cv2
import numpy as np
import tyro

from grasp_affordance.annotation.pair import AnnotationConfig, annotate_pair
from grasp_affordance.annotation.removal_check import RemovalCheckConfig, check_removal
from grasp_affordance.files import write_atomically
from grasp_affordance.papers.annotation.pipeline import PaperPipelineConfig, annotate_as_paper
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sim import SimCell, SimConfig


def main(
    pairs: int = 12,
    rounds: int = 8,
    threads: int = 2,
    output: Path = Path("output/benchmarks/speed.json"),
) -> None:
    """Measure and print.

    Args:
        pairs: removals to label.
        rounds: how often each.
        threads: of OpenCV.
        output: raw results.
    """
    cv2.setNumThreads(threads)
    work = removals(pairs)
    methods = {
        "paper": lambda b, a: annotate_as_paper(b, a, PaperPipelineConfig()),
        "annotate_pair": lambda b, a: annotate_pair(b, a, AnnotationConfig()),
        "check_removal": lambda b, a: check_removal(b, a, RemovalCheckConfig()),
    }
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    processor: dict[str, list[float]] = {name: [] for name in methods}
    for turn in range(rounds + 1):
        for before, after in work:
            for name, method in methods.items():
                start, work_start = time.perf_counter(), time.process_time()
                method(before, after)
                if turn > 0:  # the first turn warms the caches
                    processor[name].append(time.process_time() - work_start)
                    seconds[name].append(time.perf_counter() - start)
    base = np.array(seconds["paper"])
    for name, values in seconds.items():
        times = np.array(values)
        ratio = np.median(times / base)
        print(
            f"{name:14s} median {np.median(times) * 1e3:6.1f} ms, least {times.min() * 1e3:6.1f} "
            f"ms, {ratio:.2f} x paper; processor time median "
            f"{np.median(processor[name]) * 1e3:.1f} ms"
        )
    content = {"threads": threads, "seconds": seconds, "processor_seconds": processor}
    write_atomically(output, json.dumps(content).encode())


def removals(count: int) -> list[tuple[RgbdFrame, RgbdFrame]]:
    """Return frames around removals of the highest object from a random pile."""
    pairs = []
    with SimCell(SimConfig(scene="random", seed=0)) as cell:
        for _ in range(count):
            before = cell.camera.read()
            highest = max(cell.oracle.objects(), key=lambda state: state.centre_of_mass[2])
            cell.world.park(highest.object_id)
            cell.resettle()
            pairs.append((before, cell.camera.read()))
    return pairs


if __name__ == "__main__":
    tyro.cli(main)
