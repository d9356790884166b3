from pathlib import Path

import numpy as np
import pytest
from helpers.calibration_scenes import CAMERA, T_BASE_CAMERA

from grasp_affordance.calibration.calibration_file import (
    CameraCalibration,
    read_calibration,
    write_calibration,
)
from grasp_affordance.calibration.errors import CalibrationError
from grasp_affordance.calibration.folder import SampleFolder
from grasp_affordance.calibration.hand_eye import Mount
from grasp_affordance.geometry import Intrinsics

GOOD = CameraCalibration(
    Mount.EYE_TO_HAND, "base_link", "camera_color_optical_frame", T_BASE_CAMERA, {"rms_mm": 0.3}
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "camera.yaml"
    write_calibration(path, GOOD)
    back = read_calibration(path)
    assert np.allclose(back.T_parent_camera, T_BASE_CAMERA, atol=1e-6)
    assert (back.mount, back.parent, back.child) == (GOOD.mount, GOOD.parent, GOOD.child)
    assert back.quality == GOOD.quality
    assert [file.name for file in tmp_path.iterdir()] == ["camera.yaml"]


def test_every_cut_of_the_file_is_noticed_or_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "camera.yaml"
    write_calibration(path, GOOD)
    text = path.read_text()
    needed = text.index("quality:")
    for length in range(0, needed - 2, 7):
        path.write_text(text[:length])
        with pytest.raises(CalibrationError):
            read_calibration(path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("eye_to_hand", "eye_to_foot", "eye_to_foot"),
        ("parent_frame: base_link", "parent_frame: ''", "name of a frame"),
        ("position: [", "position: [1, ", "x y z"),
        ("quaternion_xyzw: [", "quaternion_xyzw: [.nan, ", "x y z"),
        ("format: grasp", "format: rasp", "is not a"),
        ("child_frame:", "child:", "child_frame' is missing"),
    ],
)
def test_a_wrong_file_is_a_named_error(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "camera.yaml"
    write_calibration(path, GOOD)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(CalibrationError, match=says):
        read_calibration(path)


def test_a_quaternion_that_is_no_rotation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "camera.yaml"
    write_calibration(path, GOOD)
    lines = path.read_text().splitlines()
    lines = ["quaternion_xyzw: [0, 0, 0, 2]" if "xyzw" in line else line for line in lines]
    path.write_text("\n".join(lines))
    with pytest.raises(CalibrationError, match="length 2"):
        read_calibration(path)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="grasp-affordance calibrate"):
        read_calibration(tmp_path / "none.yaml")


def picture(value: int) -> np.ndarray:
    return np.full((CAMERA.height, CAMERA.width, 3), value, dtype=np.uint8)


def test_a_folder_gives_back_its_samples(tmp_path: Path) -> None:
    folder = SampleFolder(tmp_path)
    names = [folder.add(picture(v), T_BASE_CAMERA, CAMERA, "optical") for v in (10, 20)]
    samples = SampleFolder(tmp_path).samples()
    assert names == [name for name, _, _ in samples] == ["0001", "0002"]
    assert [image[0, 0, 0] for _, image, _ in samples] == [10, 20]
    assert np.allclose(samples[0][2], T_BASE_CAMERA)
    assert SampleFolder(tmp_path).camera() == (CAMERA, "optical")


def test_samples_of_two_cameras_do_not_mix(tmp_path: Path) -> None:
    folder = SampleFolder(tmp_path)
    folder.add(picture(1), T_BASE_CAMERA, CAMERA, "optical")
    other = Intrinsics(901.0, 900.0, 480.0, 270.0, 960, 540)
    with pytest.raises(CalibrationError, match="another camera"):
        folder.add(picture(1), T_BASE_CAMERA, other, "optical")


def test_a_damaged_folder_is_a_named_error(tmp_path: Path) -> None:
    folder = SampleFolder(tmp_path)
    with pytest.raises(CalibrationError, match="cannot be read"):
        folder.samples()
    name = folder.add(picture(1), T_BASE_CAMERA, CAMERA, "optical")
    (tmp_path / f"{name}.color.png").write_bytes(b"no image")
    with pytest.raises(CalibrationError, match="is not a whole PNG"):
        folder.samples()
    (tmp_path / "poses.json").write_text("{")
    with pytest.raises(CalibrationError, match=r"poses\.json is damaged"):
        folder.samples()
    (tmp_path / "poses.json").write_text("[" * 200_000)
    with pytest.raises(CalibrationError, match="nested too deeply"):
        folder.samples()


def test_a_deeply_nested_file_is_a_named_error(tmp_path: Path) -> None:
    path = tmp_path / "calibration.yaml"
    path.write_text("[" * 100_000)
    with pytest.raises(CalibrationError, match=r"calibration\.yaml is damaged"):
        read_calibration(path)
