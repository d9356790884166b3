"""Labels as others write them: two bars, one level, one turned by 30 degrees from +u to +v.

The files under `foreign/` were written by hand from the published descriptions of the formats.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from helpers.cornell_files import FOCAL, SIZE, point_cloud, scene

from grasp_affordance.annotation.formats import coco, cornell, jacquard, rle, yolo_obb
from grasp_affordance.annotation.formats.labelled_image import LabelledImage
from grasp_affordance.annotation.formats.point_cloud import read_point_cloud
from grasp_affordance.annotation.metrics import rectangle_iou
from grasp_affordance.annotation.records import read_pairs
from grasp_affordance.cli import main
from grasp_affordance.detection.training.dataset import read_folder
from grasp_affordance.errors import SequenceError
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.sequence import Sequence

FOREIGN = Path(__file__).parent / "foreign"
LEVEL = GraspRectangle(320.0, 240.0, 0.0, 24.0, 60.0)
TURNED = GraspRectangle(345.9, 263.4, np.radians(30.0), 24.0, 60.0)


def draw_bar(path: Path, on: GraspRectangle) -> np.ndarray:
    """Draw the bar that a rectangle is on, 200 x 30 pixels; return its mask."""
    mask = np.zeros(SIZE[::-1], np.uint8)
    corners = cv2.boxPoints(((on.x, on.y), (200, 30), float(np.degrees(on.theta))))
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 255)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.where(mask[..., None] > 0, (40, 60, 200), (190, 190, 190)))
    return mask > 0


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(FOREIGN, tmp_path / "foreign"))
    draw_bar(folder / "cornell/01/pcd0100r.png", LEVEL)
    draw_bar(folder / "jacquard/bar/0_bar_RGB.png", LEVEL)
    draw_bar(folder / "coco/left/0001.png", LEVEL)
    draw_bar(folder / "coco/right/0001.png", TURNED)
    draw_bar(folder / "yolo_obb/images/train/bar.jpg", LEVEL)
    return folder


@pytest.mark.parametrize(
    ("layout", "name", "expected"),
    [
        (cornell, "cornell", {"01/pcd0100": [LEVEL, TURNED]}),
        (jacquard, "jacquard", {"bar/0_bar": [LEVEL, TURNED]}),
        (coco, "coco", {"left/0001": [LEVEL], "right/0001": [TURNED]}),
        (yolo_obb, "yolo_obb", {"train/bar": [LEVEL]}),
    ],
)
def test_files_of_others_say_the_same_in_every_format(
    layout: ModuleType, name: str, expected: dict[str, list[GraspRectangle]], foreign: Path
) -> None:
    read = {label.name: label for label in layout.read(foreign / name)}
    assert read.keys() == expected.keys()
    for key, rectangles in expected.items():
        assert read[key].size == SIZE
        assert len(read[key].rectangles) == len(rectangles)
        for found, right in zip(read[key].rectangles, rectangles, strict=True):
            assert found.w == pytest.approx(right.w, abs=0.1)
            assert found.h == pytest.approx(right.h, abs=0.1)
            assert rectangle_iou(found, right) > 0.98


@pytest.mark.parametrize("on", [LEVEL, TURNED])
def test_a_cornell_gripper_closes_across_the_bar(on: GraspRectangle, foreign: Path) -> None:
    """Drawn as it is read: the plates stand free on either side of the bar, not upon it."""
    bar = draw_bar(foreign / "bar.png", on)
    found = max(cornell.read(foreign / "cornell")[0].rectangles, key=lambda r: rectangle_iou(r, on))
    closing = np.array([-np.sin(found.theta), np.cos(found.theta)]) * found.h / 2
    centre = np.array([found.x, found.y])
    for place, there in ((centre, True), (centre + closing, False), (centre - closing, False)):
        u, v = np.round(place).astype(int)
        assert bar[v, u] == there


def test_cornell_angles_and_lengths_are_those_of_the_fields_readers(foreign: Path) -> None:
    """ggcnn and robotic-grasping: angle (counter-clockwise) and length are of points 0 to 1."""
    lines = (foreign / "cornell/01/pcd0100cpos.txt").read_text().splitlines()
    points = np.array([[float(x) for x in line.split()] for line in lines]).reshape(-1, 4, 2)
    points = points[np.isfinite(points).all(axis=(1, 2))]
    read = cornell.read(foreign / "cornell")[0]
    for corners, found in zip(points, read.rectangles, strict=True):
        (dx, dy), second = corners[1] - corners[0], corners[2] - corners[1]
        angle, length, width = np.arctan2(-dy, dx), np.hypot(dx, dy), np.hypot(*second)
        closing = -(found.theta + np.pi / 2)
        assert np.sin(closing - angle) == pytest.approx(0, abs=2e-3)
        assert found.h == pytest.approx(length, abs=0.1)
        assert found.w == pytest.approx(width, abs=0.1)
    assert read.left_out == 1


def test_a_cornell_file_of_ours_has_the_opening_first_and_turns_as_theirs(
    foreign: Path, tmp_path: Path
) -> None:
    cornell.write(tmp_path / "ours", cornell.read(foreign / "cornell"))
    text = (tmp_path / "ours/01/pcd0100cpos.txt").read_text().splitlines()
    assert [[float(x) for x in line.split()] for line in text[:4]] == [
        [308, 210], [308, 270], [332, 270], [332, 210],
    ]  # fmt: skip


def test_the_depth_of_a_cornell_cloud_is_along_the_optical_axis(tmp_path: Path) -> None:
    path = tmp_path / "pcd0100.txt"
    path.write_text(point_cloud(step=4, noise=0.4))
    measured = read_point_cloud(path, SIZE)
    assert measured.intrinsics.fx == pytest.approx(FOCAL, rel=0.005)
    known = np.isfinite(measured.depth)
    assert 15_000 < known.sum() <= 19_200
    error = np.abs(measured.depth - scene().depth)[known]
    assert np.median(error) < 0.001
    path.write_text(point_cloud(step=8))
    exact = read_point_cloud(path, SIZE, FOCAL)
    np.testing.assert_allclose(
        exact.depth[::8, ::8], scene().depth[::8, ::8].astype(np.float32), atol=1e-4
    )


def _scaled(text: str, factor: float) -> str:
    head, _, body = text.partition("ascii\n")
    rows = [line.split() for line in body.splitlines()]
    lines = [" ".join([*(f"{float(x) * factor:.9g}" for x in r[:3]), *r[3:]]) for r in rows]
    return f"{head}ascii\n" + "\n".join(lines) + "\n"


def _shuffled(text: str) -> str:
    head, _, body = text.partition("ascii\n")
    rows = [line.split() for line in body.splitlines()]
    index = np.random.default_rng(0).permutation([row[4] for row in rows])
    lines = [" ".join([*row[:4], other]) for row, other in zip(rows, index, strict=True)]
    return f"{head}ascii\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("DATA ascii", "DATA binary"), "no PCD in ASCII"),
        (lambda text: text.replace("x y z rgb index", "x y z rgb"), "no PCD in ASCII"),
        (lambda text: text + "1 2 3\n", "five numbers"),
        (lambda text: text + "1 2 3 0 999999\n", "indices that are not in an image"),
        (lambda text: text.split("ascii\n")[0] + "ascii\n1 2 3 0 4\n", "1 points"),
        (lambda text: _scaled(text, 0.001), "unit is no millimetre"),
        (_shuffled, "no camera sees the points"),
    ],
)
def test_a_cloud_that_is_none_is_named(
    change: Callable[[str], str], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "pcd0100.txt"
    path.write_text(change(point_cloud(step=16)))
    with pytest.raises(SequenceError, match=rf"pcd0100\.txt.*{said}"):
        read_point_cloud(path, SIZE)


def test_coco_masks_packed_by_pycocotools_are_read(foreign: Path) -> None:
    by_name = {label.name: label for label in coco.read(foreign / "coco")}
    mask = by_name["left/0001"].mask
    assert mask is not None
    rows, columns = np.nonzero(mask)
    assert [rows.min(), rows.max(), columns.min(), columns.max()] == [225, 255, 220, 420]
    assert mask.sum() == 31 * 201
    assert by_name["right/0001"].mask is None


def test_run_lengths_are_those_of_pycocotools() -> None:
    library = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    for size in ((1, 1), (7, 5), (480, 640)):
        for share in (0.0, 0.02, 0.5, 1.0):
            mask = rng.random(size) < share
            packed = library.encode(np.asfortranarray(mask.astype(np.uint8)))
            text = {"size": packed["size"], "counts": packed["counts"].decode()}
            np.testing.assert_array_equal(rle.decode(text, size[::-1]), mask)
            ours = rle.encode(mask)
            theirs = library.decode(library.frPyObjects(ours, *ours["size"]))
            np.testing.assert_array_equal(theirs > 0, mask)


@pytest.mark.parametrize(
    "counts", ["", "0", "Q[W3", "~", "ooooooooooooo", [307_200, 1], [-1, 307_201], [2**62] * 4]
)
def test_run_lengths_that_do_not_fill_a_mask_are_named(counts: object) -> None:
    with pytest.raises(SequenceError, match="run lengths"):
        rle.decode({"size": [480, 640], "counts": counts}, SIZE)


def test_a_run_length_bomb_is_refused_by_its_size() -> None:
    with pytest.raises(SequenceError, match="is not 640x480"):
        rle.decode({"size": [10**9, 10**9], "counts": [10**18]}, SIZE)


def _edit(path: tuple[object, ...], value: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        file = folder / "annotations.json"
        data = json.loads(file.read_text())
        place = data
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        file.write_text(json.dumps(data))

    return edit


def _link_image(folder: Path) -> None:
    (folder / "left/0001.png").unlink()
    (folder / "left/0001.png").symlink_to(shutil.copy(folder / "right/0001.png", folder.parent))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (_edit(("categories", 1, "name"), "person"), "category 'person'"),
        (_edit(("annotations", 0, "category_id"), 99), "category 99, not declared"),
        (_edit(("annotations", 0, "category_id"), "7"), "category '7', not declared"),
        (_edit(("annotations", 0, "image_id"), 999), "image 999, which is not in the file"),
        (_edit(("annotations", 0, "image_id"), "101"), "image '101', which is not in the file"),
        (_edit(("images", 0, "id"), "205"), "the image id '205' is no whole number"),
        (_edit(("images", 0, "id"), 101), "101 is no whole number, or is there twice"),
        (_edit(("annotations", 0, "bbox"), [1, 2, 3, 4]), "annotation 31 is a grasp without"),
        (_edit(("annotations", 2, "segmentation", "size"), [640, 480]), "is not 640x480"),
        (_edit(("annotations", 2, "segmentation"), [[1, 2, 3, 4]]), "is no run lengths"),
        (_edit(("images", 0, "width"), 641), "the file says 641x480"),
        (_edit(("images", 0, "file_name"), "right/0002.png"), "cannot be read"),
        (_edit(("images", 0, "file_name"), "../secret.png"), "leads outside"),
        (_edit(("images", 0, "file_name"), "/etc/hostname"), "leads outside"),
        (_edit(("images", 0, "file_name"), "a\0b"), "is no file's"),
        (_edit(("images", 0, "file_name"), 7), "cannot be read"),
        (_link_image, "leads outside"),
    ],
)
def test_what_a_coco_file_says_beside_the_truth_is_named(
    edit: Callable[[Path], None], said: str, foreign: Path
) -> None:
    edit(foreign / "coco")
    with pytest.raises(SequenceError, match=said):
        coco.read(foreign / "coco")


@pytest.mark.parametrize("text", ["[" * 300_000, '{"images": Infinity}', "nothing"])
def test_a_hostile_coco_file_ends_in_one_line(
    text: str, foreign: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (foreign / "coco/annotations.json").write_text(text)
    arguments = ["--source-format", "coco", "--to", "cornell", "--output", str(foreign / "out")]
    assert main(["convert", str(foreign / "coco"), *arguments]) == 1
    error = capfd.readouterr().err.strip()
    assert "annotations.json cannot be read" in error
    assert len(error.splitlines()) == 1


def test_images_of_one_name_in_two_folders_are_both_kept(
    foreign: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for to, suffix in (("cornell", "r.png"), ("jacquard", "_RGB.png"), ("yolo_obb", ".png")):
        output = foreign / f"as_{to}"
        arguments = ["--source-format", "coco", "--to", to, "--output", str(output)]
        assert main(["convert", str(foreign / "coco"), *arguments]) == 0
        assert "2 images with 2 rectangles" in capfd.readouterr().out
        written = sorted(path.parent.name for path in output.rglob(f"*{suffix}"))
        assert written == ["left", "right"]


def test_two_images_that_would_become_one_are_named(
    foreign: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    draw_bar(foreign / "coco/left/0001.jpg", TURNED)
    _edit(("images", 0, "file_name"), "left/0001.jpg")(foreign / "coco")
    output = foreign / "out"
    arguments = ["--source-format", "coco", "--to", "cornell", "--output", str(output)]
    assert main(["convert", str(foreign / "coco"), *arguments]) == 1
    assert "2 images are called 'left/0001'" in capfd.readouterr().err
    assert not output.exists()


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("labels/train/bar.txt", "2 -0.01 0.4 0.5 0.4 0.5 0.5 -0.01 0.5\n", "no share"),
        ("labels/train/bar.txt", "2 308 210 332 210 332 270 308 270\n", "in pixels"),
        ("labels/train/bar.txt", "2 nan 0.4 0.5 0.4 0.5 0.5 0.4 0.5\n", "no share"),
        ("labels/train/bar.txt", "0 0.4 0.4 0.5 0.4 0.5 0.5 0.4 0.5\n", "class 0 is None"),
        ("labels/train/bar.txt", "2 0.4 0.4 0.5 0.5\n", "5 numbers"),
        ("labels/train/bar.txt", "2 0.4 0.4 0.5 0.5 0.5 0.4 0.4 0.5\n", "do not go round"),
        ("data.yaml", "names: [bottle, can, box]\n", "class 2 is 'box'"),
        ("data.yaml", "names: [bottle\n", "no names of classes"),
        ("data.yaml", "[" * 100_000, "no names of classes"),
    ],
)
def test_what_is_no_yolo_grasp_is_named(file: str, text: str, said: str, foreign: Path) -> None:
    (foreign / "yolo_obb" / file).write_text(text)
    with pytest.raises(SequenceError, match=said):
        yolo_obb.read(foreign / "yolo_obb")


def test_the_class_of_grasps_is_found_by_its_name(foreign: Path) -> None:
    (foreign / "yolo_obb/data.yaml").write_text("names: [bottle, can, grasp]\n")
    assert len(yolo_obb.read(foreign / "yolo_obb")[0].rectangles) == 1


def test_yolo_without_an_image_or_a_list_of_names_is_named(foreign: Path) -> None:
    (foreign / "yolo_obb/images/train/bar.jpg").rename(foreign / "bar.jpg")
    with pytest.raises(SequenceError, match="0 images called train/bar"):
        yolo_obb.read(foreign / "yolo_obb")
    (foreign / "yolo_obb/data.yaml").unlink()
    with pytest.raises(SequenceError, match=r"data\.yaml cannot be read"):
        yolo_obb.read(foreign / "yolo_obb")


def test_a_rectangle_over_the_border_is_not_written_as_yolo(foreign: Path, tmp_path: Path) -> None:
    image = foreign / "cornell/01/pcd0100r.png"
    over = GraspRectangle(10.0, 240.0, 0.5, 24.0, 60.0)
    with pytest.raises(SequenceError, match=r"a rectangle at \(10, 240\) reaches outside"):
        yolo_obb.write(tmp_path / "out", [LabelledImage("a", image, SIZE, (over,))])


@pytest.mark.parametrize("name", ["../a", "/tmp/a", "a/../../b", ""])
def test_no_name_of_an_image_leads_outside(name: str, foreign: Path) -> None:
    with pytest.raises(SequenceError, match="leads outside"):
        LabelledImage(name, foreign / "cornell/01/pcd0100r.png", SIZE, (LEVEL,))


@pytest.mark.parametrize("suffix", ["r.png", "cpos.txt", "mask.png"])
def test_a_link_in_a_dataset_leads_nowhere_else(suffix: str, foreign: Path) -> None:
    path = foreign / f"cornell/01/pcd0100{suffix}"
    outside = foreign / "outside"
    if path.exists():
        path.rename(outside)
    else:
        draw_bar(outside.with_suffix(".png"), LEVEL)
        outside = outside.with_suffix(".png")
    path.symlink_to(outside)
    with pytest.raises(SequenceError, match="leads outside"):
        cornell.read(foreign / "cornell")


def test_what_is_no_image_is_not_copied(foreign: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (foreign / "cornell/01/pcd0100r.png").write_text("root:x:0:0")
    arguments = ["--source-format", "cornell", "--to", "coco", "--output", str(foreign / "out")]
    assert main(["convert", str(foreign / "cornell"), *arguments]) == 1
    assert "pcd0100r.png is not a whole PNG" in capfd.readouterr().err
    assert not (foreign / "out").exists()


def test_cornell_labels_become_samples_with_depth(
    foreign: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (foreign / "cornell/01/pcd0100.txt").write_text(point_cloud(step=2))
    shutil.copytree(foreign / "cornell/01", foreign / "cornell/02")
    labels = foreign / "labels"
    arguments = ["--source-format", "cornell", "--to", "labels", "--output", str(labels)]
    assert main(["convert", str(foreign / "cornell"), *arguments]) == 0
    told = capfd.readouterr().out
    assert "2 images with 4 rectangles" in told
    assert "2 images with depth" in told
    assert "2 rectangles without a size left out" in told
    moved = labels.rename(foreign / "moved")
    sequence = Sequence(read_pairs(moved).sequence)
    assert sequence.camera.intrinsics.fx == pytest.approx(FOCAL, rel=0.005)
    assert sequence.facts("0001")["name"] == "02/pcd0100"
    samples = read_folder(moved)
    assert len(samples) == 2
    for sample in samples:
        assert [round(r.h) for r in sample.rectangles] == [60, 60]
        assert sample.known.all()
        depth, right = sample.frame.depth[::2, ::2], scene().depth[::2, ::2]
        assert np.nanmedian(np.abs(depth - right)) < 0.001
        assert np.isnan(sample.frame.depth[1::2]).all()


def test_the_rest_of_a_masked_object_is_not_known_to_be_no_grasp(
    foreign: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    labels = foreign / "labels"
    arguments = ["--source-format", "coco", "--to", "labels", "--output", str(labels)]
    assert main(["convert", str(foreign / "coco"), *arguments]) == 1
    assert "--focal-length" in capfd.readouterr().err
    assert main(["convert", str(foreign / "coco"), *arguments, "--focal-length", "500"]) == 0
    by_mask = {pair.mask is not None: pair for pair in read_pairs(labels).pairs}
    known = {sample.name: sample.known for sample in read_folder(labels)}
    masked = known[f"labels/{by_mask[True].frames[0]}"]
    assert known[f"labels/{by_mask[False].frames[0]}"].all()
    assert masked[240, 320]
    assert not masked[240, 400]
    assert masked[100, 100]


def test_a_reviewer_may_reject_what_others_labelled(foreign: Path) -> None:
    labels = foreign / "labels"
    arguments = ["--source-format", "coco", "--to", "labels", "--output", str(labels)]
    assert main(["convert", str(foreign / "coco"), *arguments, "--focal-length", "500"]) == 0
    assert main(["review", str(labels), "--reject", "0", "--summary"]) == 0
    assert [sample.name for sample in read_folder(labels)] == ["labels/0001"]
    back = foreign / "back"
    assert main(["convert", str(labels), "--to", "cornell", "--output", str(back)]) == 0
    assert len(cornell.read(back)) == 1


def test_labels_of_others_train_a_detector(foreign: Path) -> None:
    (foreign / "cornell/01/pcd0100.txt").write_text(point_cloud(step=2))
    labels, run = foreign / "labels", foreign / "run"
    arguments = ["--source-format", "cornell", "--to", "labels", "--output", str(labels)]
    assert main(["convert", str(foreign / "cornell"), *arguments]) == 0
    brief = ["--steps", "2", "--batch", "1", "--threads", "1"]
    assert main(["train_detector", str(labels), "--output", str(run), *brief]) == 0
    assert (run / "model.safetensors").exists()


def test_images_of_several_sizes_are_no_label_folder(
    foreign: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cv2.imwrite(str(foreign / "coco/right/0001.png"), np.zeros((100, 200, 3), np.uint8))
    _edit(("images", 0, "width"), 200)(foreign / "coco")
    _edit(("images", 0, "height"), 100)(foreign / "coco")
    arguments = ["--to", "labels", "--output", str(foreign / "out"), "--focal-length", "500"]
    assert main(["convert", str(foreign / "coco"), "--source-format", "coco", *arguments]) == 1
    assert "1 of 200x100, 1 of 640x480" in capfd.readouterr().err
