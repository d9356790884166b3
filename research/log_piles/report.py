"""The tables of the log-pile experiment, from its raw results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.tables import percent, with_interval
from grasp_affordance.files import parse_json
from research.log_piles.candidates import ScoredImage, images_from_json, summarise

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
    images: tuple[ScoredImage, ...]
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


CANDIDATE_COLUMNS = (
    "detector",
    "labels",
    "seeds × images",
    "candidates per image",
    "valid candidates",
    "lowest and highest seed",
    "valid with plates all the way down",
    "lifted alone",
    "best candidate of an image valid / lifted",
)
LABEL_COLUMNS = (
    "labels",
    "frames",
    "annotated",
    "mask IoU, mean (5 % below)",
    "rectangles",
    "valid",
    "lifted alone",
    "both say the same",
)


def candidate_rows(runs: Sequence[LogPileRun], threshold: float) -> list[Sequence[str]]:
    """Return a row of `CANDIDATE_COLUMNS` per detector and kind of labels, seeds pooled.

    The paper's row is its own figure, evaluated by eye on other images.
    """
    rows: list[Sequence[str]] = []
    for source in ("dense", "paper"):
        for labels in ("exact", "auto"):
            group = _group(runs, source, labels)
            if group:
                rows.append(_row(source, labels, group, threshold))
    for labels, name in (("exact", "manual"), ("auto", "automatic")):
        value = f"{100 * PAPER_VALID[labels]:.2f} %"
        rows.append(("the paper's own figures", name, "1 × 22", "–", value, *4 * ("–",)))
    return rows


def _row(source: str, labels: str, group: Sequence[LogPileRun], threshold: float) -> Sequence[str]:
    figures = summarise(_pooled(group), threshold)
    per_seed = [summarise(run.images, threshold)["valid"] for run in group]
    known = [value for value in per_seed if value is not None]
    spread = f"{percent(min(known))} – {percent(max(known))}" if known else "–"
    count = "–" if figures["per_image"] is None else f"{figures['per_image']:.1f}"
    return (
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


def label_rows(runs: Sequence[LogPileRun]) -> list[Sequence[str]]:
    """Return a row of `LABEL_COLUMNS` per kind of labels, evaluated as if they were candidates."""
    return [
        _label_row(kind, labels, group)
        for kind in ("train", "test")
        for labels in ("exact", "auto")
        if (group := _group(runs, f"labels-{kind}", labels))
    ]


def _label_row(kind: str, labels: str, group: Sequence[LogPileRun]) -> Sequence[str]:
    figures = summarise(_pooled(group), 0.0)
    masks = [mask for run in group for mask in run.facts["masks"]]
    ious = [mask["iou"] for mask in masks if mask["iou"] is not None]
    done = sum(mask["end"] == "annotated" for mask in masks)
    quality = f"{np.mean(ious):.3f} ({np.quantile(ious, 0.05):.3f})" if ious else "–"
    return (
        f"{_NAMES[labels]}, {kind}",
        str(len(masks)),
        f"{done} ({percent(done / max(len(masks), 1))})",
        quality,
        str(figures["candidates"]),
        percent(figures["valid"]),
        percent(figures["lifted"]),
        percent(figures["agree"]),
    )


def _group(runs: Sequence[LogPileRun], source: str, labels: str) -> list[LogPileRun]:
    return sorted(
        (run for run in runs if run.source == source and run.labels == labels),
        key=lambda run: run.seed,
    )


def _pooled(group: Sequence[LogPileRun]) -> list[ScoredImage]:
    """All images, named by their seed too: different seeds have different piles."""
    return [
        ScoredImage(f"{run.seed}/{image.image}", image.rows)
        for run in group
        for image in run.images
    ]
