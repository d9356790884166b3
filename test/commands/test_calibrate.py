import json
from pathlib import Path

import numpy as np
import pytest
from helpers.calibration_scenes import BOARD, CAMERA, T_BASE_CAMERA, shots, transform
from scipy.spatial.transform import Rotation

from grasp_affordance.calibration.calibration_file import read_calibration
from grasp_affordance.calibration.folder import SampleFolder
from grasp_affordance.calibration.hand_eye import Mount
from grasp_affordance.cli import main
from grasp_affordance.geometry import invert, to_quaternion, transform_points


def folder_of(path: Path, count: int = 7) -> Path:
    folder = SampleFolder(path)
    for shot in shots(Mount.EYE_TO_HAND, seed=3, count=count):
        folder.add(shot.image, shot.T_base_tool, CAMERA, "optical")
    return path


def points_file(path: Path, off: float) -> Path:
    seen = np.array([[0.1, 0.0, 0.7], [-0.1, 0.1, 0.75], [0.0, -0.1, 0.8]])
    base = transform_points(T_BASE_CAMERA, seen) + np.array([0, 0, off])
    pairs = zip(seen, base, strict=True)
    content = {"points": [{"camera": c.tolist(), "base": b.tolist()} for c, b in pairs]}
    path.write_text(json.dumps(content))
    return path


def test_a_folder_becomes_a_file_that_verifies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = folder_of(tmp_path / "samples")
    (samples / "0002.color.png").write_bytes((samples / "0001.color.png").read_bytes())
    output = tmp_path / "camera.yaml"
    assert main(["calibrate", str(samples), "--output", str(output)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "residuals" in said
    written = read_calibration(output)
    off = invert(T_BASE_CAMERA) @ written.T_parent_camera
    assert np.linalg.norm(off[:3, 3]) < 2e-3
    assert list(written.quality["rejected"])  # 0002 shows what 0001 saw
    assert (written.parent, written.child) == ("base", "optical")
    check = ["verify_calibration", "--calibration", str(output)]
    assert main([*check, str(points_file(tmp_path / "good.json", 0.0))]) == 0
    assert main([*check, str(points_file(tmp_path / "bad.json", 0.02))]) == 1


def test_a_calibration_that_fails_leaves_the_old_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "camera.yaml"
    output.write_text("the old one")
    samples = folder_of(tmp_path / "samples", count=2)
    assert main(["calibrate", str(samples), "--output", str(output)]) == 1
    assert "2 usable samples" in capsys.readouterr().err
    assert output.read_text() == "the old one"


@pytest.mark.parametrize(("offset", "status"), [(0.0, 0), (0.008, 1)])
def test_the_tool_is_checked_without_a_camera(tmp_path: Path, offset: float, status: int) -> None:
    rng = np.random.default_rng(0)
    poses = []
    for _ in range(6):
        R = Rotation.from_euler("xyz", [np.pi, *rng.uniform(-0.5, 0.5, 2)])
        R *= Rotation.from_euler("x", rng.uniform(-0.4, 0.4))
        T = transform(R, np.array([0.5, 0.0, 0.0]) - R.apply([offset, 0, 0]))
        poses.append({"position": T[:3, 3].tolist(), "quaternion_xyzw": to_quaternion(T).tolist()})
    path = tmp_path / "pivot.json"
    path.write_text(json.dumps({"pivot": poses}))
    assert main(["verify_calibration", str(path)]) == status


def test_a_file_without_anything_to_check_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "touched.json"
    for text in ("{}", "[", "[]", '{"pivot": [{"position": [0, 0, 0]}]}'):
        path.write_text(text)
        assert main(["verify_calibration", str(path)]) == 1


def test_the_board_has_room_for_its_markers() -> None:
    assert BOARD.picture(50).shape == (BOARD.rows * 50, BOARD.columns * 50)
