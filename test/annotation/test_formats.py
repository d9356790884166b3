from dataclasses import replace
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grasp_affordance.annotation.decisions import Decision, decided_rectangles
from grasp_affordance.annotation.formats import coco, cornell, jacquard, rle, yolo_obb
from grasp_affordance.annotation.formats.labelled_image import LabelledImage
from grasp_affordance.annotation.metrics import rectangle_iou
from grasp_affordance.annotation.records import PairRecord
from grasp_affordance.annotation.result import Reason, Status
from grasp_affordance.cli import main
from grasp_affordance.errors import SequenceError
from grasp_affordance.rectangle import GraspRectangle

RECTANGLES = (
    GraspRectangle(100.0, 80.0, 0.0, 20.0, 35.0),
    GraspRectangle(40.5, 60.25, 0.7, 12.0, 30.0),
    GraspRectangle(120.0, 30.0, 3.1, 18.0, 9.0),
    GraspRectangle(60.0, 90.0, np.pi / 2, 18.0, 44.0),
)
FORMATS = [cornell, coco, jacquard, yolo_obb]


@pytest.fixture
def label(tmp_path: Path) -> LabelledImage:
    image = tmp_path / "0003.color.png"
    cv2.imwrite(str(image), np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8))
    mask = np.zeros((120, 160), bool)
    mask[30:60, 50:90] = True
    return LabelledImage("0003", image, (160, 120), RECTANGLES, mask)


@pytest.mark.parametrize("layout", FORMATS)
def test_rectangles_survive_every_format(
    layout: ModuleType, label: LabelledImage, tmp_path: Path
) -> None:
    layout.write(tmp_path / "out", [label, replace(label, name="0004", mask=None)])
    read = layout.read(tmp_path / "out")
    assert [entry.name for entry in read] == ["0003", "0004"]
    assert [entry.size for entry in read] == [label.size] * 2
    for entry in read:
        assert len(entry.rectangles) == len(RECTANGLES)
        for found, original in zip(entry.rectangles, RECTANGLES, strict=True):
            assert rectangle_iou(found, original) > 0.999
            assert found.w == pytest.approx(original.w, abs=1e-3)
            turn = (found.theta - original.theta + np.pi / 2) % np.pi - np.pi / 2
            assert turn == pytest.approx(0.0, abs=1e-4)
        assert entry.image.read_bytes() == label.image.read_bytes()


@pytest.mark.parametrize("layout", [cornell, coco, jacquard])
def test_masks_survive_where_the_format_has_them(
    layout: ModuleType, label: LabelledImage, tmp_path: Path
) -> None:
    layout.write(tmp_path / "out", [label, replace(label, name="0004", mask=None)])
    first, second = layout.read(tmp_path / "out")
    np.testing.assert_array_equal(first.mask, label.mask)
    assert second.mask is None


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
@settings(max_examples=60)
def test_run_lengths_are_lossless(mask: np.ndarray) -> None:
    data = rle.encode(mask)
    assert sum(data["counts"]) == mask.size
    np.testing.assert_array_equal(rle.decode(data, mask.shape[::-1]), mask)


def test_run_lengths_go_down_the_columns_as_coco_has_them() -> None:
    mask = np.array([[0, 1], [1, 1]], bool)
    assert rle.encode(mask) == {"size": [2, 2], "counts": [1, 3]}
    with pytest.raises(SequenceError, match="do not fill"):
        rle.decode({"size": [2, 2], "counts": [1, 2]}, (2, 2))


def test_cornell_rectangles_with_missing_corners_are_left_out(
    label: LabelledImage, tmp_path: Path
) -> None:
    cornell.write(tmp_path, [label])
    path = tmp_path / "0003cpos.txt"
    path.write_text(path.read_text() + "NaN NaN\n1 1\n2 2\n3 3\n")
    assert len(cornell.read(tmp_path)[0].rectangles) == len(RECTANGLES)


def test_a_jacquard_angle_is_that_of_the_closing_jaws(label: LabelledImage, tmp_path: Path) -> None:
    jacquard.write(tmp_path, [label])
    first = (tmp_path / "0003_grasps.txt").read_text().splitlines()[0]
    assert [float(value) for value in first.split(";")] == [100.0, 80.0, -90.0, 35.0, 20.0]


@pytest.mark.parametrize(
    ("layout", "file", "text"),
    [
        (cornell, "0003cpos.txt", "1 2\n3 4\n5 6\n"),
        (jacquard, "0003_grasps.txt", "1;2;three\n"),
        (yolo_obb, "labels/0003.txt", "0 0.1 0.2\n"),
        (coco, "annotations.json", '{"images": [{"id": 1}], "annotations": [], "categories": []}'),
    ],
)
def test_malformed_files_are_named(
    layout: ModuleType, file: str, text: str, label: LabelledImage, tmp_path: Path
) -> None:
    layout.write(tmp_path, [label])
    (tmp_path / file).write_text(text)
    with pytest.raises(SequenceError, match=Path(file).name):
        layout.read(tmp_path)


def test_any_format_converts_to_any_other(label: LabelledImage, tmp_path: Path) -> None:
    coco.write(tmp_path / "coco", [label])
    arguments = ["convert", str(tmp_path / "coco"), "--source-format", "coco"]
    assert main([*arguments, "--to", "cornell", "--output", str(tmp_path / "cornell")]) == 0
    assert len(cornell.read(tmp_path / "cornell")[0].rectangles) == len(RECTANGLES)
    assert main([*arguments, "--to", "cornell", "--output", str(tmp_path / "cornell")]) == 1


def test_a_reviewers_word_beats_the_gates() -> None:
    auto = PairRecord(0, ("0000", "0001"), Status.ANNOTATED, rectangles=RECTANGLES)
    refused = PairRecord(1, ("0001", "0002"), Status.REJECTED, Reason.DOUBLE_PICK)
    assert decided_rectangles(auto, None) == RECTANGLES
    assert decided_rectangles(refused, None) == ()
    assert decided_rectangles(auto, Decision(False)) == ()
    assert decided_rectangles(auto, Decision(True)) == RECTANGLES
    assert decided_rectangles(refused, Decision(True, RECTANGLES[:1])) == RECTANGLES[:1]
