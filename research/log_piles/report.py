"""The tables of the log-pile experiment, from its raw results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.statistics import Interval, paired_difference
from grasp_affordance.evaluation.tables import percent, with_interval
from grasp_affordance.files import parse_json
from research.log_piles.candidates import JudgedImage, images_from_json, summarise

PAPER_VALID = {"auto": 0.8117, "exact": 0.8343}  # table 1: automatic and manual labels
_NAMES = {"auto": "automatic", "exact": "exact"}
_BOOTSTRAP_SEED = 0


@dataclass(frozen=True)
class LogPileRun:
    """One raw result.

    Attributes:
        source: network, or `labels-train`, `labels-test` for the labels themselves.
        labels: `auto` or `exact`.
        seed: of piles and training.
        images: evaluated.
        facts: everything else in the file.
    """

    source: str
    labels: str
    seed: int
    images: tuple[JudgedImage, ...]
    facts: Mapping[str, Any]


def read_runs(folder: Path) -> list[LogPileRun]:
    """Read all raw results of a folder, by name.

    Raises:
        ConfigError: a file is none.
    """
    return [_read(path) for path in sorted(folder.glob("*-seed*.json"))]


def _read(path: Path) -> LogPileRun:
    try:
        data = parse_json(path.read_text())
        source = data["network"] if "network" in data else f"labels-{data['kind']}"
        images = tuple(images_from_json(data["images"]))
        return LogPileRun(source, data["labels"], int(data["seed"]), images, data)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} is no result of the log piles: {error!r}") from error


def candidate_table(runs: Sequence[LogPileRun], threshold: float) -> str:
    """Return the table of detectors in Markdown, all seeds of one kind together.

    The paper's row is its own figure, evaluated by eye on other images.
    """
    lines = [
        "| detector | labels | seeds × images | candidates per image | valid candidates "
        "| lowest and highest seed | valid with plates all the way down | lifted alone "
        "| best candidate of an image valid / lifted |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for source in ("dense", "paper"):
        for labels in ("exact", "auto"):
            group = _group(runs, source, labels)
            if group:
                lines.append(_row(source, labels, group, threshold))
    for labels, name in (("exact", "manual"), ("auto", "automatic")):
        value = f"{100 * PAPER_VALID[labels]:.2f} %"
        lines.append(f"| the paper's own figures | {name} | 1 × 22 | – | {value} |{4 * ' – |'}")
    return "\n".join(lines)


def _row(source: str, labels: str, group: Sequence[LogPileRun], threshold: float) -> str:
    figures = summarise(_pooled(group), threshold)
    per_seed = [summarise(run.images, threshold)["valid"] for run in group]
    known = [value for value in per_seed if value is not None]
    spread = f"{percent(min(known))} – {percent(max(known))}" if known else "–"
    count = "–" if figures["per_image"] is None else f"{figures['per_image']:.1f}"
    cells = (
        source,
        _NAMES[labels],
        f"{len(group)} × {len(group[0].images)}",
        count,
        with_interval(figures["valid"], figures["valid_interval"]),
        spread,
        percent(figures["strictly_valid"]),
        percent(figures["lifted"]),
        f"{percent(figures['best_valid'])} / {percent(figures['best_lifted'])}",
    )
    return "| " + " | ".join(cells) + " |"


def threshold_table(runs: Sequence[LogPileRun], source: str, thresholds: Sequence[float]) -> str:
    """Return how valid candidates and their number depend on the threshold, in Markdown."""
    lines = [
        "| threshold | exact: valid | candidates per image | automatic: valid "
        "| candidates per image | automatic less exact, points (95 % interval) |",
        "|---|---|---|---|---|---|",
    ]
    for threshold in thresholds:
        cells = [f"{threshold:.2f}"]
        for labels in ("exact", "auto"):
            figures = summarise(_pooled(_group(runs, source, labels)), threshold)
            count = figures["per_image"]
            cells += [percent(figures["valid"]), "–" if count is None else f"{count:.1f}"]
        cells.append(difference_text(runs, source, threshold))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def difference_text(runs: Sequence[LogPileRun], source: str, threshold: float) -> str:
    """Return `automatic less exact` in points, with the interval that resamples images."""
    exact, auto = (_group(runs, source, labels) for labels in ("exact", "auto"))
    seeds = {run.seed for run in exact} & {run.seed for run in auto}
    first, second = (
        _pooled([run for run in group if run.seed in seeds]) for group in (auto, exact)
    )
    value = valid_difference(first, second, threshold)
    if value is None:
        return "–"
    difference, interval = value
    return f"{100 * difference:+.1f} ({100 * interval.low:+.1f} to {100 * interval.high:+.1f})"


def valid_difference(
    first: Sequence[JudgedImage], second: Sequence[JudgedImage], threshold: float
) -> tuple[float, Interval] | None:
    """Return by how much the share of valid candidates differs in the same images; None if unknown.

    Raises:
        ConfigError: the images are not the same.
    """
    if [image.image for image in first] != [image.image for image in second]:
        raise ConfigError("the two detectors were not tested on the same images")
    one, two = _counts(first, threshold), _counts(second, threshold)
    if not sum(one[1]) or not sum(two[1]):
        return None
    interval = paired_difference(one, two, np.random.default_rng(_BOOTSTRAP_SEED))
    return sum(one[0]) / sum(one[1]) - sum(two[0]) / sum(two[1]), interval


def _counts(images: Sequence[JudgedImage], threshold: float) -> tuple[list[int], list[int]]:
    """Return the numbers of valid candidates and of candidates in each image."""
    kept = [[row for row in image.rows if row.score >= threshold] for image in images]
    return [sum(row.valid for row in rows) for rows in kept], [len(rows) for rows in kept]


def label_table(runs: Sequence[LogPileRun]) -> str:
    """Return the table of the labels themselves in Markdown."""
    lines = [
        "| labels | frames | annotated | mask IoU, mean (5 % below) | rectangles | valid "
        "| lifted alone | both say the same |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind in ("train", "test"):
        for labels in ("exact", "auto"):
            group = _group(runs, f"labels-{kind}", labels)
            if group:
                lines.append(_label_row(kind, labels, group))
    return "\n".join(lines)


def _label_row(kind: str, labels: str, group: Sequence[LogPileRun]) -> str:
    figures = summarise(_pooled(group), 0.0)
    masks = [mask for run in group for mask in run.facts["masks"]]
    ious = [mask["iou"] for mask in masks if mask["iou"] is not None]
    done = sum(mask["end"] == "annotated" for mask in masks)
    quality = f"{np.mean(ious):.3f} ({np.quantile(ious, 0.05):.3f})" if ious else "–"
    cells = (
        f"{_NAMES[labels]}, {kind}",
        str(len(masks)),
        f"{done} ({percent(done / max(len(masks), 1))})",
        quality,
        str(figures["candidates"]),
        percent(figures["valid"]),
        percent(figures["lifted"]),
        percent(figures["agree"]),
    )
    return "| " + " | ".join(cells) + " |"


def fault_text(runs: Sequence[LogPileRun], source: str, labels: str, threshold: float) -> str:
    """Return what is wrong with the candidates that are not valid, counted."""
    figures = summarise(_pooled(_group(runs, source, labels)), threshold)
    wrong = {name: count for name, count in figures["faults"].items() if name != "none"}
    return ", ".join(f"{name} {count}" for name, count in wrong.items()) or "nothing"


def _group(runs: Sequence[LogPileRun], source: str, labels: str) -> list[LogPileRun]:
    return sorted(
        (run for run in runs if run.source == source and run.labels == labels),
        key=lambda run: run.seed,
    )


def _pooled(group: Sequence[LogPileRun]) -> list[JudgedImage]:
    """All images, named by their seed too: different seeds have different piles."""
    return [
        JudgedImage(f"{run.seed}/{image.image}", image.rows)
        for run in group
        for image in run.images
    ]
