"""The page and its picture show what was measured."""

import json
from pathlib import Path

import cv2
import numpy as np

from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import SequenceCamera, SequenceWriter
from research.log_piles.candidates import CandidateRow, JudgedImage, images_to_json
from research.log_piles.page import draw_candidates, page_part, publish, write_sheet
from research.log_piles.report import read_runs

GREY = np.full((120, 160, 3), 128, np.uint8)


def candidate(fault: str, x: float = 80.0, score: float = 0.9) -> CandidateRow:
    return CandidateRow("a", score, x, 60.0, 0.0, 20.0, 40.0, fault, None, None, None)


def count(image: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((np.abs(image.astype(int) - color).max(axis=2) < 60).sum())


def test_valid_candidates_have_green_plates_and_others_red_ones() -> None:
    valid = draw_candidates(GREY, [candidate("none")], "")
    wrong = draw_candidates(GREY, [candidate("blocked")], "")
    green, red = (40, 220, 60), (240, 40, 40)
    assert count(valid, green) > 200 > count(valid, red)
    assert count(wrong, red) > 200 > count(wrong, green)


def test_a_rectangle_is_drawn_where_it_is() -> None:
    view = draw_candidates(GREY, [candidate("none")], "")
    rows, columns = np.nonzero(np.abs(view.astype(int) - (40, 220, 60)).max(axis=2) < 60)
    assert abs(columns.mean() - 2 * 80) < 2
    assert abs(rows.min() - 2 * (60 - 20)) < 5
    assert abs(rows.max() - 2 * (60 + 20)) < 5


def test_the_sheet_shows_only_what_passes_the_threshold(tmp_path: Path) -> None:
    image = JudgedImage("a", (candidate("none"), candidate("none", 30.0, 0.1)))
    write_sheet(tmp_path / "sheet.png", [("auto", [(GREY, image)] * 2)], 0.3)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.shape == (360, 960, 3)
    everything = JudgedImage("a", (candidate("none"), candidate("none", 30.0, 0.8)))
    write_sheet(tmp_path / "more.png", [("auto", [(GREY, everything)] * 2)], 0.3)
    more = cv2.imread(str(tmp_path / "more.png"))
    assert more is not None
    assert count(more, (60, 220, 40)) > 1.5 * count(sheet, (60, 220, 40))


def test_the_page_holds_the_tables_of_what_is_there(tmp_path: Path) -> None:
    images = images_to_json([JudgedImage("a", (candidate("none"), candidate("covered")))])
    trained = {"steps": 7, "processor_seconds": 90.0}
    for labels in ("auto", "exact"):
        content = {"seed": 0, "network": "dense", "labels": labels, "images": images}
        path = tmp_path / f"dense-{labels}-seed0.json"
        path.write_text(json.dumps({**content, "trained": trained}))
    text = page_part(read_runs(tmp_path), 0.3, "images/log_piles.png")
    assert "| dense | exact | 1 × 1 | 2.0 | 50.0 %" in text
    assert "automatic less exact +0.0" in text
    assert "covered 1" in text
    assert "images/log_piles.png" in text
    assert "7 steps, 1.5 to 1.5 minutes" in text
    assert "paper**:" not in text  # nothing is said of what was not run


def test_publishing_fills_the_page_and_draws_the_picture_beside_it(tmp_path: Path) -> None:
    frame = RgbdFrame(GREY, np.ones((120, 160), np.float32), Intrinsics(200, 200, 80, 60, 160, 120))
    writer = SequenceWriter(
        tmp_path / "data" / "seed3" / "test00", SequenceCamera(frame.intrinsics)
    )
    name = writer.append(frame)
    images = images_to_json([JudgedImage(f"test00/{name}", (candidate("none"),))])
    facts = {"trained": {"steps": 7, "processor_seconds": 90.0}, "images": images}
    result = {"seed": 3, "network": "dense", "labels": "auto", **facts}
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "dense-auto-seed3.json").write_text(json.dumps(result))
    page = tmp_path / "page.md"
    page.write_text("before <!-- generated: log piles -->\n<!-- end of log piles --> after")
    publish(tmp_path / "raw", tmp_path / "data", page)
    assert "| dense | automatic | 1 × 1 |" in page.read_text()
    assert cv2.imread(str(tmp_path / "images" / "log_piles.png")) is not None
    publish(tmp_path / "raw", tmp_path / "nowhere", None)  # no page, nothing to do
