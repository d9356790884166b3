import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.annotation_scenes import INTRINSICS, Block, frame

from grasp_affordance.annotation.decisions import Decision, write_decisions
from grasp_affordance.annotation.metrics import angle_between, mask_iou
from grasp_affordance.annotation.pair import AnnotationConfig, annotate_pair
from grasp_affordance.annotation.records import read_mask, read_pairs
from grasp_affordance.annotation.result import Reason, Status
from grasp_affordance.annotation.sequence_labels import annotate_sequence, covered_by, still_covered
from grasp_affordance.cli import main
from grasp_affordance.errors import SequenceError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence, SequenceCamera, SequenceWriter

UNDER = Block(160, 120, length=80, width=26, angle=1.3, height=0.03)
UPON = Block(160, 120, length=70, width=24, angle=0.2, height=0.03, color=(200, 60, 40))
ASIDE = Block(60, 60, length=40, width=20, angle=1.0, color=(60, 160, 40))
REAL = Path(__file__).parents[2] / "../shared/data/real/bin_four_then_empty"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Upon, then under, then nothing, then aside is removed."""
    folder = tmp_path / "sequence"
    writer = SequenceWriter(folder, SequenceCamera(INTRINSICS))
    stages = [[UNDER, UPON, ASIDE], [UNDER, ASIDE], [ASIDE], [ASIDE], []]
    for seed, blocks in enumerate(stages):
        writer.append(frame(*blocks, rng=np.random.default_rng(seed), holes=0.02))
    return folder


def test_every_pair_of_a_sequence_ends_by_name(recorded: Path, tmp_path: Path) -> None:
    output = tmp_path / "labels"
    assert main(["annotate", str(recorded), "--output", str(output)]) == 0
    pairs = json.loads((output / "pairs.json").read_text())["pairs"]
    assert [pair["status"] for pair in pairs] == [
        "annotated",
        "annotated",
        "nothing_removed",
        "annotated",
    ]
    assert pairs[2]["reason"] == "no_change"
    assert [pair["frames"] for pair in pairs[:2]] == [["0000", "0001"], ["0001", "0002"]]
    for pair, block in zip((pairs[0], pairs[1], pairs[3]), (UPON, UNDER, ASIDE), strict=True):
        assert mask_iou(read_mask(output / pair["mask"]), block.mask()) > 0.95
        assert (output / pair["picture"]).is_file()
        assert set(pair["rectangles"][0]) == {"x", "y", "theta", "w", "h"}


def test_the_order_of_removal_tells_what_was_covered(recorded: Path, tmp_path: Path) -> None:
    content = annotate_sequence(Sequence(recorded), tmp_path / "labels", AnnotationConfig())
    assert [pair.covered_by for pair in content.pairs] == [(), (0,), (), ()]
    assert [pair.still_covered for pair in content.pairs] == [(1,), (), (), ()]


def test_an_object_stays_covered_until_the_last_upon_it_is_gone() -> None:
    low, middle, top = (np.zeros((10, 10), bool) for _ in range(3))
    low[2:8, 2:8], middle[2:8, 4:6], top[3:5, :] = True, True, True
    over = covered_by({0: top, 1: middle, 2: low})
    assert over == {0: (), 1: (0,), 2: (0, 1)}
    assert still_covered(over, 0) == (1, 2)
    assert still_covered(over, 1) == (2,)


def test_what_was_written_is_read_back(recorded: Path, tmp_path: Path) -> None:
    output = tmp_path / "labels"
    written = annotate_sequence(Sequence(recorded), output, AnnotationConfig())
    assert read_pairs(output) == written


def test_labels_are_replaced_unless_they_were_reviewed(recorded: Path, tmp_path: Path) -> None:
    output = tmp_path / "labels"
    annotate_sequence(Sequence(recorded), output, AnnotationConfig())
    annotate_sequence(Sequence(recorded), output, AnnotationConfig())
    write_decisions(output, {0: Decision(False)})
    with pytest.raises(SequenceError, match="reviewed"):
        annotate_sequence(Sequence(recorded), output, AnnotationConfig())


def test_a_foreign_folder_is_never_replaced(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear")
    with pytest.raises(SequenceError, match="holds no labels"):
        annotate_sequence(Sequence(recorded), tmp_path / "mine", AnnotationConfig())
    assert (tmp_path / "mine/letter.txt").read_text() == "dear"


@pytest.mark.parametrize("victim", ["0001.depth.png", "0004.color.png", "camera.json"])
def test_a_missing_file_is_one_clear_line(
    recorded: Path, tmp_path: Path, victim: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (recorded / victim).unlink()
    assert main(["annotate", str(recorded), "--output", str(tmp_path / "labels")]) == 1
    error = capfd.readouterr().err.strip()
    assert victim in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "labels").exists()


def test_a_broken_image_midway_leaves_nothing_behind(recorded: Path, tmp_path: Path) -> None:
    data = (recorded / "0003.depth.png").read_bytes()
    (recorded / "0003.depth.png").write_bytes(data[: len(data) // 2])
    before = set(tmp_path.iterdir())
    with pytest.raises(SequenceError, match=r"0003\.depth\.png"):
        annotate_sequence(Sequence(recorded), tmp_path / "labels", AnnotationConfig())
    assert set(tmp_path.iterdir()) == before


def test_a_region_outside_of_the_image_is_named_and_no_absence_of_change(
    recorded: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    camera = json.loads((recorded / "camera.json").read_text())
    camera["region"] = [[1000, 1000], [1300, 1000], [1300, 1200]]
    (recorded / "camera.json").write_text(json.dumps(camera))
    assert main(["annotate", str(recorded), "--output", str(tmp_path / "labels")]) == 1
    assert "outside the image (320x240 pixels)" in capfd.readouterr().err
    assert not (tmp_path / "labels").exists()


def test_a_single_frame_is_no_pair(tmp_path: Path) -> None:
    SequenceWriter(tmp_path / "one", SequenceCamera(INTRINSICS)).append(frame(ASIDE))
    with pytest.raises(SequenceError, match="two frames"):
        annotate_sequence(Sequence(tmp_path / "one"), tmp_path / "labels", AnnotationConfig())


def test_a_wrong_depth_scale_is_a_named_rejection(recorded: Path, tmp_path: Path) -> None:
    camera = json.loads((recorded / "camera.json").read_text())
    (recorded / "camera.json").write_text(json.dumps(camera | {"depth_scale": 1.0}))
    content = annotate_sequence(Sequence(recorded), tmp_path / "labels", AnnotationConfig())
    assert {pair.reason for pair in content.pairs} == {Reason.WRONG_DEPTH_UNIT}


def test_a_frame_of_another_size_is_refused(recorded: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(recorded / "0002.depth.png"), np.full((120, 160), 8000, np.uint16))
    with pytest.raises(SequenceError, match=r"0002"):
        annotate_sequence(Sequence(recorded), tmp_path / "labels", AnnotationConfig())


@pytest.mark.skipif(not REAL.is_dir(), reason="the recorded scenes are not beside the repository")
def test_the_opaque_objects_of_a_real_bin_are_separate_regions(tmp_path: Path) -> None:
    content = annotate_sequence(Sequence(REAL), tmp_path / "labels", AnnotationConfig())
    (pair,) = content.pairs
    assert (pair.status, pair.reason) == (Status.REJECTED, Reason.DOUBLE_PICK)
    masks = [read_mask(tmp_path / "labels" / region.mask) for region in pair.regions]
    whisk, torch, scissors = (225, 250), (318, 210), (315, 162)  # (u, v) on each, by eye
    found = [next(i for i, m in enumerate(masks) if m[v, u]) for u, v in (whisk, torch, scissors)]
    assert len(set(found)) == 3
    for index, least in zip(found, (4000, 1500, 900), strict=True):
        assert masks[index].sum() > least


@pytest.mark.skipif(not REAL.is_dir(), reason="the recorded scenes are not beside the repository")
@pytest.mark.parametrize(
    ("box", "annotated"), [((185, 235, 270, 362), True), ((80, 145, 195, 405), False)]
)
def test_alone_a_real_torch_is_labelled_and_a_glass_is_not(
    box: tuple[int, int, int, int], annotated: bool
) -> None:
    """As if only what is in the box (rows, columns) had been removed: the rest is the empty bin."""
    sequence = Sequence(REAL)
    full, empty = sequence.read("0000"), sequence.read("0001")
    inside = np.zeros(full.shape, bool)
    inside[box[0] : box[1], box[2] : box[3]] = True
    before = replace(
        full,
        depth=np.where(inside, full.depth, empty.depth),
        color=np.where(inside[..., None], full.color, empty.color),
    )
    pair = annotate_pair(before, empty, AnnotationConfig(), sequence.camera.region)
    assert pair.annotated is annotated
    for rectangle in pair.rectangles:
        assert angle_between(rectangle.theta, np.radians(8)) < np.radians(10)  # by eye


def before_a_far_wall(view: RgbdFrame, seed: int) -> RgbdFrame:
    """Return the frame with a table's far edge: behind it a wall 2 m away, seen in patches.

    The noise of depth grows with its square (Khoshelham and Elberink 2012), and neighbours err
    alike; a quarter of the wall, in patches that come and go, has no depth.
    """
    rng = np.random.default_rng(1000 + seed)
    behind = np.zeros(view.shape, bool)
    behind[:70] = True
    alike = cv2.GaussianBlur(rng.normal(size=view.shape), (0, 0), 2)
    noise = 0.7 * alike / alike.std() + 0.7 * rng.normal(size=view.shape)
    patches = cv2.GaussianBlur(rng.normal(size=view.shape), (0, 0), 3)
    wall = np.where(patches < np.quantile(patches, 0.25), np.nan, 2.0 + 0.003 * 2.0**2 * noise)
    return replace(view, depth=np.where(behind, wall, view.depth).astype(np.float32))


@pytest.mark.parametrize("seed", range(4))
def test_before_a_far_wall_one_object_taken_makes_one_label_and_none_makes_none(
    tmp_path: Path, seed: int
) -> None:
    writer = SequenceWriter(tmp_path / "table", SequenceCamera(INTRINSICS))
    log, other = replace(UNDER, v=150), replace(ASIDE, v=110)
    for number, blocks in enumerate([(log, other), (log, other), (other,), (other,)]):
        view = frame(*blocks, rng=np.random.default_rng(10 * seed + number), holes=0.03)
        writer.append(before_a_far_wall(view, 10 * seed + number))
    sequence = Sequence(tmp_path / "table")
    pairs = annotate_sequence(sequence, tmp_path / "labels", AnnotationConfig()).pairs
    expected = [Status.NOTHING_REMOVED, Status.ANNOTATED, Status.NOTHING_REMOVED]
    assert [pair.status for pair in pairs] == expected
    mask = pairs[1].mask
    assert mask is not None
    assert mask_iou(read_mask(tmp_path / "labels" / mask), log.mask()) > 0.95
