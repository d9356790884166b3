"""What people read of the log-pile experiment: two tables and a picture."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from grasp_affordance.annotation.drawing import contact_sheet, draw_title
from grasp_affordance.annotation.records import write_image
from grasp_affordance.arrays import Color
from grasp_affordance.detection.model import DEFAULT_THRESHOLD
from grasp_affordance.evaluation.provenance import machine_text, provenance, revision
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.sequence import Sequence as Recording
from research.log_piles.candidates import CandidateRow, ScoredImage
from research.log_piles.report import (
    CANDIDATE_COLUMNS,
    LABEL_COLUMNS,
    candidate_rows,
    label_rows,
    read_runs,
)
from research.tables import Table, write_table

_SHOWN = (
    ("labels-test", "exact", "exact labels"),
    ("dense", "exact", "trained with exact labels"),
    ("dense", "auto", "trained with automatic labels"),
)
_COLUMNS = 4
_VALID, _WRONG = (40, 220, 60), (240, 40, 40)  # RGB: of the plates
_OPENING = (15, 15, 15)


def publish(results: Path, data: Path, tables: Path, picture: Path) -> None:
    """Write the tables `log_piles.json` and `log_piles_labels.json`, and the picture.

    Args:
        results: folder of the raw results.
        data: folder of the recordings, `seedN/NAME`, for the picture.
        tables: folder of published tables.
        picture: file.

    Raises:
        ConfigError: a file is no result.
    """
    runs = read_runs(results)
    if not runs:
        return
    shown = []
    for source, labels, title in _SHOWN:
        group = [run for run in runs if (run.source, run.labels) == (source, labels)]
        if group:
            first = min(group, key=lambda run: run.seed)
            shown.append((title, [(_frame(data, first.seed, i), i) for i in _some(first.images)]))
    if shown:
        write_sheet(picture, shown, DEFAULT_THRESHOLD)
    seeds = sorted({run.seed for run in runs})
    origin = {
        "command": "python research/benchmarks/log_piles.py",
        "seeds": f"{seeds[0]}:{seeds[-1] + 1}",
        "revision": revision(),
        "machine": machine_text(provenance()["machine"]),
    }
    candidates = candidate_rows(runs, DEFAULT_THRESHOLD)
    rows = label_rows(runs)
    title = f"Candidates with a score of {DEFAULT_THRESHOLD} or more"
    write_table(
        tables / "log_piles.json",
        Table(title, columns=CANDIDATE_COLUMNS, rows=candidates, **origin),
    )
    write_table(
        tables / "log_piles_labels.json",
        Table("The labels themselves", columns=LABEL_COLUMNS, rows=rows, **origin),
    )


def _some(images: Sequence[ScoredImage]) -> list[ScoredImage]:
    """A few images from fuller to emptier bins."""
    return [images[k] for k in np.linspace(0, len(images) - 1, 2 * _COLUMNS + 1).astype(int)[1::2]]


def _frame(data: Path, seed: int, image: ScoredImage) -> Color:
    recording, name = image.image.split("/")
    return Recording(data / f"seed{seed}" / recording).read(name).color


def draw_candidates(color: Color, rows: Sequence[CandidateRow], title: str) -> Color:
    """Return a frame (H, W, 3) with its candidates: plates green if valid, red if not."""
    doubled = cv2.resize(color, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    view = np.asarray(doubled, np.uint8)
    for row in reversed(rows):  # the best on top
        corners = GraspRectangle(row.x, row.y, row.theta, row.w, row.h).corners()
        points = np.round((corners * 2 + 0.5) * 16).astype(int)
        for start in (1, 3, 0, 2):
            first, second = points[start], points[(start + 1) % 4]
            plate = _VALID if row.valid else _WRONG
            cv2.line(
                view,
                (int(first[0]), int(first[1])),
                (int(second[0]), int(second[1])),
                _OPENING if start % 2 else plate,
                2 if start % 2 else 4,
                cv2.LINE_AA,
                4,
            )
    draw_title(view, title)
    return view


def write_sheet(
    path: Path,
    rows: Sequence[tuple[str, Sequence[tuple[Color, ScoredImage]]]],
    threshold: float,
) -> None:
    """Write a picture: one row per (name, [(frame, its candidates)]), in equal numbers."""
    pictures = []
    for name, images in rows:
        for color, image in images:
            shown = [row for row in image.rows if row.score >= threshold]
            count = sum(row.valid for row in shown)
            pictures.append(draw_candidates(color, shown, f"{name}: {count} of {len(shown)} valid"))
    write_image(path, contact_sheet(pictures, columns=max(len(images) for _, images in rows)))
