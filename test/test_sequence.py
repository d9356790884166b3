"""Reading and writing recorded sequences."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grasp_affordance.errors import SequenceError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.lens import Lens
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence, SequenceCamera, SequenceWriter

INTRINSICS = Intrinsics(fx=60.0, fy=61.0, cx=31.5, cy=23.5, width=64, height=48)


def make_frame(seed: int = 0) -> RgbdFrame:
    rng = np.random.default_rng(seed)
    depth = (rng.integers(3000, 9000, (48, 64)) * 1e-4).astype(np.float32)
    depth[10:14, 20:30] = np.nan
    color = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    return RgbdFrame(color, depth, INTRINSICS, stamp_ns=1_700_000_000_123_456_789 + seed)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    camera = SequenceCamera(
        INTRINSICS,
        region=np.array([[5.0, 5.0], [60.0, 5.0], [30.0, 40.0]]),
        T_base_camera=np.eye(4),
        extra={"source": "a test", "license": "none"},
    )
    writer = SequenceWriter(tmp_path / "sequence", camera)
    for seed in range(2):
        writer.append(make_frame(seed), {"seed": seed})
    return writer.folder


def edit_camera(folder: Path, **changes: object) -> None:
    path = folder / "camera.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_was_written_is_read(folder: Path) -> None:
    sequence = Sequence(folder)
    assert sequence.names == ("0000", "0001")
    for seed, (name, frame) in enumerate(sequence):
        written = make_frame(seed)
        np.testing.assert_array_equal(frame.color, written.color)
        np.testing.assert_allclose(frame.depth, written.depth, atol=1e-6)  # units of 0.1 mm
        assert frame.stamp_ns == written.stamp_ns
        assert frame.intrinsics == INTRINSICS
        assert sequence.facts(name)["seed"] == seed


def test_the_camera_survives_a_round_trip_with_its_extra_keys(folder: Path) -> None:
    camera = Sequence(folder).camera
    again = SequenceCamera.from_dict(json.loads(json.dumps(camera.to_dict())))
    assert again.to_dict() == camera.to_dict()
    assert again.extra == {"source": "a test", "license": "none"}
    assert again.region is not None
    assert again.T_base_camera is not None


def test_the_lens_is_part_of_the_camera(tmp_path: Path) -> None:
    lens = Lens.of("equidistant", (-0.02, 0.004, -0.003, 0.0006))
    wide = replace(INTRINSICS, lens=lens)
    name = SequenceWriter(tmp_path, SequenceCamera(wide)).append(
        replace(make_frame(), intrinsics=wide)
    )
    assert Sequence(tmp_path).read(name).intrinsics == wide
    content = json.loads((tmp_path / "camera.json").read_text())
    assert content["distortion_model"] == "equidistant"
    assert content["d"] == [-0.02, 0.004, -0.003, 0.0006]
    assert not Sequence(tmp_path).camera.extra
    with pytest.raises(SequenceError, match="another camera"):
        SequenceWriter(tmp_path, SequenceCamera(INTRINSICS))


def test_a_writer_continues_after_the_last_frame(folder: Path) -> None:
    writer = SequenceWriter(folder, Sequence(folder).camera)
    assert writer.append(make_frame(5)) == "0002"
    assert len(Sequence(folder)) == 3


def test_a_writer_refuses_a_folder_of_another_camera(folder: Path) -> None:
    other = SequenceCamera(Intrinsics(50.0, 50.0, 31.5, 23.5, 64, 48))
    with pytest.raises(SequenceError, match="another camera"):
        SequenceWriter(folder, other)
    with pytest.raises(SequenceError, match="intrinsics"):
        SequenceWriter(folder.parent / "new", other).append(make_frame())


def test_depth_that_does_not_fit_is_unknown_not_wrapped(tmp_path: Path) -> None:
    frame = make_frame()
    frame.depth[0, 0] = 7.0  # 70000 units of 0.1 mm
    SequenceWriter(tmp_path, SequenceCamera(INTRINSICS)).append(frame)
    _, read = next(iter(Sequence(tmp_path)))
    assert np.isnan(read.depth[0, 0])
    np.testing.assert_array_equal(np.isnan(read.depth[1:]), np.isnan(frame.depth[1:]))


def test_nothing_temporary_remains(folder: Path) -> None:
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("name", ["0001.color.png", "0001.depth.png"])
def test_a_missing_image_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(SequenceError, match=name):
        Sequence(folder)


@pytest.mark.parametrize("name", ["0000.color.png", "0000.depth.png"])
@pytest.mark.parametrize("keep", [0, 20, 400])
def test_a_broken_image_is_named(folder: Path, name: str, keep: int) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SequenceError, match=f"{name} is not a whole PNG"):
        Sequence(folder).read("0000")
    Sequence(folder).read("0001")


def test_a_color_image_in_the_place_of_depth_is_refused(folder: Path) -> None:
    (folder / "0000.depth.png").write_bytes((folder / "0000.color.png").read_bytes())
    with pytest.raises(SequenceError, match=r"0000\.depth\.png: 16UC1 depth"):
        Sequence(folder).read("0000")


def test_images_of_another_size_are_refused(folder: Path) -> None:
    edit_camera(folder, width=32)
    with pytest.raises(SequenceError, match="sizes differ"):
        Sequence(folder).read("0000")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fx": 0.0}, "not those of a camera"),
        ({"fx": None}, "camera.json"),
        ({"width": 0}, "empty"),
        ({"depth_scale": 0.0}, "depth_scale"),
        ({"depth_scale": float("nan")}, "depth_scale"),
        ({"region": [[0, 0], [1, 1]]}, "region"),
        ({"region": [[0, 0], [1, 1], [2, float("nan")]]}, "region"),
        ({"T_base_camera": [[1, 0], [0, 1]]}, "T_base_camera"),
        ({"T_base_camera": np.diag([2.0, 1, 1, 1]).tolist()}, "not a rigid transform"),
    ],
)
def test_a_senseless_camera_is_refused(folder: Path, changes: dict, message: str) -> None:
    edit_camera(folder, **changes)
    with pytest.raises(SequenceError, match=message):
        Sequence(folder)


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"fx": 600}'])
def test_an_unreadable_camera_file_is_named(folder: Path, text: str) -> None:
    (folder / "camera.json").write_text(text)
    with pytest.raises(SequenceError, match=r"camera\.json"):
        Sequence(folder)


def test_missing_and_empty_folders_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="is not a folder"):
        Sequence(tmp_path / "nowhere")
    for path in folder.glob("*.png"):
        path.unlink()
    with pytest.raises(SequenceError, match="no frame"):
        Sequence(folder)
