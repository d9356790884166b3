"""The annotation paper's experiment in the simulated cell, from log piles to valid candidates.

Piles of logs are recorded while they are taken apart (52 frames to learn from; 22 from another
camera position to test), labelled automatically and exactly, detectors are trained with either, and
their candidates are evaluated by the paper's two criteria and tried by simulated jaws. Everything
that is done is kept and not done again: stop and start as you like.

    python research/benchmarks/log_piles.py
    python research/benchmarks/log_piles.py --seeds 0 --networks dense --steps 300
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from rich.progress import Progress

from grasp_affordance.annotation.change.difference import Mask
from grasp_affordance.annotation.change.scene_change import observed_area
from grasp_affordance.annotation.metrics import mask_iou
from grasp_affordance.annotation.pair import AnnotationConfig
from grasp_affordance.annotation.records import PairRecord, read_mask, read_pairs
from grasp_affordance.annotation.sequence_labels import annotate_sequence
from grasp_affordance.detection.predictor import GraspDetector
from grasp_affordance.detection.samples import ScoredRectangle
from grasp_affordance.detection.selection import SelectionConfig
from grasp_affordance.detection.training.config import DEFAULT, PAPER, Preset
from grasp_affordance.detection.training.dataset import read_samples
from grasp_affordance.detection.training.train import MODEL_FILE, STATE_FILE, train
from grasp_affordance.evaluation.provenance import provenance, revision
from grasp_affordance.files import write_atomically
from grasp_affordance.papers.annotation.network import AnnotationPaperConfig
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence as Recording
from grasp_affordance.sim import SimCell, SimConfig
from research.log_piles.candidates import (
    evaluate_anew,
    evaluate_recording,
    images_from_json,
    images_to_json,
)
from research.log_piles.grasp_validity import ValidityConfig
from research.log_piles.page import publish
from research.log_piles.sequences import label_exactly, record_log_pile

TRAINING, TEST = 52, 22  # frames, as in the paper
LABELS = ("auto", "exact")
RECORDED = 0.1  # candidates with a lower score are not kept
TRIED = 0.3  # candidates with a lower score are not tried by the simulated jaws
OVERLAP = 0.25  # of rectangles above which the worse one is suppressed, for all detectors

# Where the camera stands: over the bin for training; aside, higher and turned for the tests.
CAMERAS: dict[str, dict[str, Any]] = {
    "train": {},
    "test": {"camera_offset": (0.12, -0.10), "camera_height": 0.88, "camera_turn": 0.5},
}


@dataclass(frozen=True)
class Options:
    """What is done.

    Attributes:
        seeds: of piles, sensor, weights and draws; each has its own 52 and 22 frames.
        networks: `dense` (the default detector) and `paper` (from random weights: ImageNet's cannot
            be had without a network).
        paper_seeds: of `seeds`, those with which the paper's network is trained.
        steps, batch: of the default detector's training; by default half as many steps of half as
            many views as it is made for, for want of processor time.
        paper_steps: of the paper's network.
        work: folder of recordings and models.
        output: folder of the raw results.
        threads: of torch.
        device: on which detectors are trained, as torch names it; they are tested on the CPU.
        evaluate_again: evaluate kept candidates by the criteria as they are now; nothing else.
        tables: folder of the published tables.
        picture: of labels and candidates.
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    networks: tuple[str, ...] = ("dense", "paper")
    paper_seeds: tuple[int, ...] = (0,)
    steps: int = 500
    batch: int = 4
    paper_steps: int = 1500
    work: Path = Path("output/log_piles")
    output: Path = Path("output/log_piles/results")
    threads: int = 1
    device: str = "cpu"
    tables: Path = Path("results")
    picture: Path = Path("docs/images/log_piles.png")
    evaluate_again: bool = False


def main(options: Options) -> None:
    """Do all that is not done yet."""
    torch.set_num_threads(options.threads)
    if options.evaluate_again:
        evaluate_again(options)
        return
    for network in options.networks:
        for seed in options.seeds if network == "dense" else options.paper_seeds:
            record(seed, options)
            for labels in LABELS:
                learn(network, labels, seed, options)
                test(network, labels, seed, options)
                publish(options.output, options.work / "data", options.tables, options.picture)
    for seed in options.seeds:
        evaluate_labels(seed, options)
        publish(options.output, options.work / "data", options.tables, options.picture)


def record(seed: int, options: Options) -> None:
    """Record and label the piles of a seed."""
    for kind, frames in (("train", TRAINING), ("test", TEST)):
        folder = options.work / "data" / f"seed{seed}"
        if (folder / f"{kind}.json").exists():
            continue
        config = SimConfig(scene="logs", seed=2 * seed + (kind == "test"), **CAMERAS[kind])
        names: list[str] = []
        taken = number = 0
        with SimCell(config) as cell:
            while taken < frames:
                name = f"{kind}{number:02d}"
                cell.reset(int(np.random.default_rng([seed, number, len(kind)]).integers(2**31)))
                if not (folder / name).exists():
                    record_log_pile(cell, folder / name, ValidityConfig(), frames - taken)
                number += 1
                count = len(Recording(folder / name)) - 1
                if count == 0:
                    continue
                label(folder / name)
                names.append(name)
                taken += count
                print(f"seed {seed}: {kind} {taken}/{frames}", flush=True)
        write_json(folder / f"{kind}.json", names)


def label(folder: Path) -> None:
    """Label a recording both ways, beside it."""
    recording = Recording(folder)
    for labels in LABELS:
        output = labels_of(folder, labels)
        if output.exists():
            continue
        if labels == "auto":
            annotate_sequence(recording, output, AnnotationConfig())
        else:
            label_exactly(recording, output)


def evaluate_labels(seed: int, options: Options) -> None:
    """Evaluate the labels themselves, as if they were candidates; compare masks with the truth."""
    for kind in CAMERAS:
        for labels in LABELS:
            output = options.output / f"labels-{kind}-{labels}-seed{seed}.json"
            if output.exists():
                continue
            images, masks = [], []
            for folder in folders(seed, kind, options):
                pairs = read_pairs(labels_of(folder, labels)).pairs
                recording = Recording(folder)
                for pair in pairs:
                    images += evaluate_recording(
                        recording, [pair.frames[0]], rectangles_of(pair), ValidityConfig(), tried=0
                    )
                    masks.append(compare(folder, labels, pair))
            result = {"images": images_to_json(images), "masks": masks}
            write_json(output, {**about(options, seed, labels=labels, kind=kind), **result})


def rectangles_of(pair: PairRecord) -> Callable[[RgbdFrame, Mask | None], list[ScoredRectangle]]:
    """Return a detector that finds the rectangles of a label."""
    found = [ScoredRectangle(rectangle, 1.0) for rectangle in pair.rectangles]
    return lambda _frame, _region: found


def compare(folder: Path, labels: str, pair: PairRecord) -> dict[str, Any]:
    """Return how the pair ended, and the IoU of its mask with the truth."""
    iou = None
    if pair.mask is not None:
        truth = read_mask(folder / f"{pair.frames[0]}.truth.png")
        iou = round(mask_iou(read_mask(labels_of(folder, labels) / pair.mask), truth), 4)
    end = str(pair.reason or pair.status)
    return {"image": f"{folder.name}/{pair.frames[0]}", "end": end, "iou": iou}


def learn(network: str, labels: str, seed: int, options: Options) -> None:
    """Train a detector; one that was interrupted goes on."""
    output = model_folder(network, labels, seed, options)
    if (output / "done.json").exists():
        return
    preset = preset_of(network, seed, options)
    samples = read_samples(
        [labels_of(folder, labels) for folder in folders(seed, "train", options)], preset.dataset
    )
    started = time.process_time()
    with Progress() as progress:
        name = f"{network} {labels} seed {seed}"
        task = progress.add_task(name, total=preset.training.steps)
        summary = train(
            samples,
            output,
            preset.training,
            resume=(output / STATE_FILE).exists(),
            device=options.device,
            on_step=lambda report: progress.update(task, completed=report.step),
        )
    facts = {
        "samples": len(samples),
        "rectangles": sum(len(sample.rectangles) for sample in samples),
        "steps": summary.steps,
        "processor_seconds": time.process_time() - started,
    }
    write_json(output / "done.json", facts)


def test(network: str, labels: str, seed: int, options: Options) -> None:
    """Evaluate the candidates of a trained detector in the test images."""
    output = options.output / f"{network}-{labels}-seed{seed}.json"
    if output.exists():
        return
    model = model_folder(network, labels, seed, options)
    # The paper's network has no depth to look for room in.
    selection = SelectionConfig(
        threshold=RECORDED, count=50, overlap=OVERLAP, check_room=network == "dense"
    )
    detector = GraspDetector(model / MODEL_FILE, selection)
    images = []
    for folder in folders(seed, "test", options):
        recording = Recording(folder)
        polygon = recording.camera.region
        size = (recording.camera.intrinsics.height, recording.camera.intrinsics.width)
        region = observed_area(size, polygon, 0)[0]
        images += evaluate_recording(
            recording, recording.names[:-1], detector.detect, ValidityConfig(), region, TRIED
        )
    facts = about(options, seed, labels=labels, network=network)
    trained = json.loads((model / "done.json").read_text())
    training = json.loads(json.dumps(asdict(preset_of(network, seed, options)), default=str))
    content = {
        **facts, "trained": trained, "preset": training, "images": images_to_json(images)
    }  # fmt: skip
    write_json(output, content)
    print(f"{output} written", flush=True)


def evaluate_again(options: Options) -> None:
    """Evaluate all kept candidates anew."""
    for path in sorted(options.output.glob("*-seed*.json")):
        result = json.loads(path.read_text())
        images = []
        for image in images_from_json(result["images"]):
            folder, name = image.image.split("/")
            recording = Recording(options.work / "data" / f"seed{result['seed']}" / folder)
            images.append(evaluate_anew(image, recording, name, ValidityConfig()))
        result |= {"images": images_to_json(images), "limits": asdict(ValidityConfig())}
        write_json(path, {**result, "evaluated_by": revision()})
    publish(options.output, options.work / "data", options.tables, options.picture)


def preset_of(network: str, seed: int, options: Options) -> Preset:
    """Return what the network is trained on and how; alike for both kinds of labels."""
    if network == "dense":
        training = replace(DEFAULT.training, seed=seed, steps=options.steps, batch=options.batch)
        return replace(DEFAULT, training=training)
    training = replace(
        PAPER.training,
        network=AnnotationPaperConfig(encoder_weights="random"),
        seed=seed,
        steps=options.paper_steps,
    )
    return replace(PAPER, training=training)


def folders(seed: int, kind: str, options: Options) -> Iterator[Path]:
    """Yield the recordings of a seed."""
    folder = options.work / "data" / f"seed{seed}"
    names: Sequence[str] = json.loads((folder / f"{kind}.json").read_text())
    return (folder / name for name in names)


def labels_of(recording: Path, labels: str) -> Path:
    """Return the folder of a recording's labels."""
    return recording.with_name(f"{recording.name}.{labels}")


def model_folder(network: str, labels: str, seed: int, options: Options) -> Path:
    """Return the folder of a training run."""
    return options.work / "models" / f"{network}-{labels}-seed{seed}"


def about(options: Options, seed: int, **facts: str) -> dict[str, Any]:
    """Return what a result is of."""
    return {
        "revision": revision(),
        **provenance(options.device),
        "command": ["research/benchmarks/log_piles.py"],
        "seed": seed,
        **facts,
        "limits": asdict(ValidityConfig()),
        "overlap": OVERLAP,
        "threads": options.threads,
    }


def write_json(path: Path, content: Any) -> None:
    """Write a value as JSON, whole or not at all."""
    write_atomically(path, (json.dumps(content, allow_nan=False) + "\n").encode())


if __name__ == "__main__":
    main(tyro.cli(Options))
