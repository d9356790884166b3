"""What people read of the log-pile experiment: a part of docs/detection.md and a picture."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.drawing import contact_sheet, draw_title
from grasp_affordance.annotation.records import write_image
from grasp_affordance.detection.model import DEFAULT_THRESHOLD
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.sequence import Sequence as Recording
from research.log_piles.candidates import CandidateRow, JudgedImage
from research.log_piles.report import (
    LogPileRun,
    candidate_table,
    difference_text,
    fault_text,
    label_table,
    read_runs,
    threshold_table,
)
from research.report.results_page import update_page

Image = NDArray[np.uint8]

PICTURE = "images/log_piles.png"  # beside the page
_SHOWN = (
    ("labels-test", "exact", "exact labels"),
    ("dense", "exact", "trained with exact labels"),
    ("dense", "auto", "trained with automatic labels"),
)
_COLUMNS = 4
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
_VALID, _WRONG = (40, 220, 60), (240, 40, 40)  # RGB: of the plates
_OPENING = (15, 15, 15)


def publish(results: Path, data: Path, page: Path | None) -> None:
    """Bring the page and the picture beside it up to date; nothing to do without a page.

    Args:
        results: folder of the raw results.
        data: folder of the recordings, `seedN/NAME`, for the picture.
        page: with the part `log piles`.

    Raises:
        ConfigError: the page lacks the part, or a file is no result.
    """
    runs = read_runs(results)
    if page is None or not runs:
        return
    rows = []
    for source, labels, title in _SHOWN:
        group = [run for run in runs if (run.source, run.labels) == (source, labels)]
        if group:
            first = min(group, key=lambda run: run.seed)
            rows.append((title, [(_frame(data, first.seed, i), i) for i in _some(first.images)]))
    if rows:
        write_sheet(page.parent / PICTURE, rows, DEFAULT_THRESHOLD)
    update_page(page, {"log piles": page_part(runs, DEFAULT_THRESHOLD, PICTURE)})


def _some(images: Sequence[JudgedImage]) -> list[JudgedImage]:
    """A few images from fuller to emptier bins."""
    return [images[k] for k in np.linspace(0, len(images) - 1, 2 * _COLUMNS + 1).astype(int)[1::2]]


def _frame(data: Path, seed: int, image: JudgedImage) -> Image:
    recording, name = image.image.split("/")
    return Recording(data / f"seed{seed}" / recording).read(name).color


def page_part(runs: Sequence[LogPileRun], threshold: float, picture: str) -> str:
    """Return the generated part of the page in Markdown.

    Args:
        runs: raw results.
        threshold: of the candidates in the main table.
        picture: path of the picture, relative to the page.
    """
    parts = [
        f"**Candidates** with a score of {threshold} or more; 95 % intervals resample images.",
        candidate_table(runs, threshold),
    ]
    for source in ("dense", "paper"):
        if {"exact", "auto"} <= {run.labels for run in runs if run.source == source}:
            parts += [
                f"**{source}**: automatic less exact {difference_text(runs, source, threshold)} "
                "points. Not valid: with exact labels "
                f"{fault_text(runs, source, 'exact', threshold)}; with automatic ones "
                f"{fault_text(runs, source, 'auto', threshold)}.",
                threshold_table(runs, source, THRESHOLDS),
            ]
    parts += ["**The labels themselves**, evaluated as if they were candidates.", label_table(runs)]
    parts.append(f"![Labels and candidates in test images]({picture})")
    parts.append(_training_text(runs))
    return "\n\n".join(part for part in parts if part)


def _training_text(runs: Sequence[LogPileRun]) -> str:
    lines = []
    for source in ("dense", "paper"):
        group = [run for run in runs if run.source == source]
        if group:
            steps = sorted({run.facts["trained"]["steps"] for run in group})
            minutes = [run.facts["trained"]["processor_seconds"] / 60 for run in group]
            lines.append(
                f"{source}: {', '.join(map(str, steps))} steps, {min(minutes):.1f} to "
                f"{max(minutes):.1f} minutes of one core per training"
            )
    return "Trained for: " + "; ".join(lines) + "." if lines else ""


def draw_candidates(color: Image, rows: Sequence[CandidateRow], title: str) -> Image:
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
    rows: Sequence[tuple[str, Sequence[tuple[Image, JudgedImage]]]],
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
