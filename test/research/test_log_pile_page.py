"""The page and its picture show what was measured."""

import json
from pathlib import Path

import cv2
import numpy as np

from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import SequenceCamera, SequenceWriter
from research.log_piles.candidates import CandidateRow, ScoredImage, images_to_json
from research.log_piles.page import draw_candidates, publish, write_sheet
from research.tables import read_table

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
    image = ScoredImage("a", (candidate("none"), candidate("none", 30.0, 0.1)))
    write_sheet(tmp_path / "sheet.png", [("auto", [(GREY, image)] * 2)], 0.3)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.shape == (360, 960, 3)
    everything = ScoredImage("a", (candidate("none"), candidate("none", 30.0, 0.8)))
    write_sheet(tmp_path / "more.png", [("auto", [(GREY, everything)] * 2)], 0.3)
    more = cv2.imread(str(tmp_path / "more.png"))
    assert more is not None
    assert count(more, (60, 220, 40)) > 1.5 * count(sheet, (60, 220, 40))


def test_publishing_writes_tables_and_a_picture(tmp_path: Path) -> None:
    frame = RgbdFrame(GREY, np.ones((120, 160), np.float32), Intrinsics(200, 200, 80, 60, 160, 120))
    writer = SequenceWriter(
        tmp_path / "data" / "seed3" / "test00", SequenceCamera(frame.intrinsics)
    )
    name = writer.append(frame)
    images = images_to_json([ScoredImage(f"test00/{name}", (candidate("none"),))])
    result = {"seed": 3, "network": "dense", "labels": "auto", "images": images}
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "dense-auto-seed3.json").write_text(json.dumps(result))
    publish(tmp_path / "raw", tmp_path / "data", tmp_path, tmp_path / "sheet.png")
    table = read_table(tmp_path / "log_piles.json")
    assert table.seeds == "3:4"
    assert "| dense | automatic | 1 × 1 | 1.0 | 100.0 %" in table.markdown()
    assert "paper |" not in table.markdown().replace("the paper's", "")  # nothing that was not run
    assert cv2.imread(str(tmp_path / "sheet.png")) is not None
