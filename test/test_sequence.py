"""Reading and writing recorded sequences."""

import json
import shutil
import struct
import zlib
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
    with pytest.raises(SequenceError, match=r"0000\.color\.png is 64x48 pixels; expected 32x48"):
        Sequence(folder).read("0000")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fx": 0.0}, "not those of a camera"),
        ({"fx": None}, "camera.json"),
        ({"width": 0}, "empty"),
        ({"depth_scale": 0.0}, "depth_scale"),
        ({"depth_scale": float("nan")}, "NaN is not finite"),
        ({"region": [[0, 0], [1, 1]]}, "region"),
        ({"region": [[0, 0], [1, 1], [2, float("nan")]]}, "NaN is not finite"),
        ({"region": [[0, 0], [1, 1], [2, float("inf")]]}, "Infinity is not finite"),
        ({"region": [[100, 0], [200, 0], [200, 90]]}, r"outside the image \(64x48 pixels\)"),
        ({"region": [[-9, -9], [-1, -9], [-1, 1e12]]}, "outside the image"),
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


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, '{"fx": ' * 100_000, '{"fx": 1e999}', '{"width": ' + "9" * 5000 + "}", "\xff"],
)
def test_a_hostile_camera_file_ends_in_one_named_error(folder: Path, text: str) -> None:
    (folder / "camera.json").write_text(text, encoding="latin-1")
    with pytest.raises(SequenceError, match=r"camera\.json cannot be read"):
        Sequence(folder)


@pytest.mark.parametrize(
    "region", [[[-99, -99], [999, -99], [999, 999], [-99, 999]], [[60, 40], [99, 40], [99, 99]]]
)
def test_a_region_may_reach_beyond_the_image(folder: Path, region: list) -> None:
    edit_camera(folder, region=region)
    assert Sequence(folder).camera.region is not None


def giant_png(width: int, height: int) -> bytes:
    """A whole PNG that decodes to width x height bytes, some thousand times its own size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(width + 1)) for _ in range(height)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("name", ["0000.color.png", "0000.depth.png"])
def test_a_giant_image_is_named_by_its_size(folder: Path, name: str) -> None:
    (folder / name).write_bytes(giant_png(20_000, 20_000))
    with pytest.raises(SequenceError, match=f"{name} is 20000x20000 pixels"):
        Sequence(folder).read("0000")
    Sequence(folder).read("0001")


@pytest.mark.parametrize("stamp", ["soon", 1.5, [1], True, None])
def test_a_stamp_that_is_no_whole_number_is_named(folder: Path, stamp: object) -> None:
    (folder / "0000.frame.json").write_text(json.dumps({"stamp_ns": stamp}))
    with pytest.raises(SequenceError, match=r"0000\.color\.png.*stamp_ns"):
        Sequence(folder).read("0000")


@pytest.mark.parametrize("name", ["../other/0000", "/etc/0000", "0002"])
def test_a_frame_outside_of_its_folder_is_refused(folder: Path, name: str) -> None:
    other = Path(shutil.copytree(folder, folder.parent / "other"))
    for kind in ("color", "depth"):
        (folder / f"0002.{kind}.png").symlink_to(other / f"0000.{kind}.png")
    with pytest.raises(SequenceError, match="leads outside"):
        Sequence(folder).read(name)


def test_missing_and_empty_folders_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="is not a folder"):
        Sequence(tmp_path / "nowhere")
    for path in folder.glob("*.png"):
        path.unlink()
    with pytest.raises(SequenceError, match="no frame"):
        Sequence(folder)


def test_deep_or_endless_json_is_an_error_of_the_sequence(tmp_path: Path) -> None:
    frame = make_frame()
    SequenceWriter(tmp_path, SequenceCamera(frame.intrinsics)).append(frame)
    for text in ("[" * 100_000, '{"fx": Infinity}', '{"fx": 1e999}', '{"fx": NaN}', "[1]", "\xff"):
        (tmp_path / "camera.json").write_text(text)
        with pytest.raises(SequenceError, match=r"camera\.json"):
            Sequence(tmp_path)


def test_a_stamp_that_is_none_is_an_error_of_the_sequence(tmp_path: Path) -> None:
    frame = make_frame()
    name = SequenceWriter(tmp_path, SequenceCamera(frame.intrinsics)).append(frame)
    for stamp in ('"x"', "[]", "null"):
        (tmp_path / f"{name}.frame.json").write_text(f'{{"stamp_ns": {stamp}}}')
        with pytest.raises(SequenceError):
            Sequence(tmp_path).read(name)
