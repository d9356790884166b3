"""`grasp-affordance predict`, run as its user runs it."""

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.cells import cell_file
from helpers.rendered_scene import INTRINSICS, Block, camera_at, interior_polygon, open_bin, render

from grasp_affordance import cli
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import SequenceCamera, SequenceWriter

T = camera_at(60, 0.7)


@pytest.fixture
def sequence(tmp_path: Path) -> Path:
    """Return a recording of two frames: a box in a bin, and the bin empty."""
    camera = SequenceCamera(INTRINSICS, region=interior_polygon(T), T_base_camera=T)
    writer = SequenceWriter(tmp_path / "sequence", camera)
    box = Block((-0.06, -0.05, 0.0), (0.06, 0.05, 0.05))
    for solids in ([*open_bin(), box], open_bin()):
        writer.append(render(solids, T, noise=0.0005, holes=0.005))
    return writer.folder


def predict(*arguments: object) -> int:
    return cli.main(["predict", *map(str, arguments)])


def test_every_frame_gets_an_overlay_and_its_points(sequence: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "results"
    assert predict(sequence, "--output", output) == 0
    assert sorted(path.name for path in output.iterdir()) == [
        "0000.json",
        "0000.overlay.png",
        "0001.json",
        "0001.overlay.png",
    ]
    overlay = cv2.imread(str(output / "0000.overlay.png"))
    assert overlay is not None
    assert overlay.shape == (240, 320, 3)
    full = json.loads((output / "0000.json").read_text())
    assert full["candidates"]
    probabilities = [candidate["probability"] for candidate in full["candidates"]]
    assert probabilities == sorted(probabilities, reverse=True)
    for candidate in full["candidates"]:
        position = np.array(candidate["position"])
        pixel = INTRINSICS.project(position)
        np.testing.assert_allclose(pixel, [candidate["u"], candidate["v"]], atol=0.05)
        assert (T[:3, :3] @ position + T[:3, 3])[2] == pytest.approx(0.05, abs=0.004)
        assert np.linalg.norm(candidate["normal"]) == pytest.approx(1, abs=1e-3)
        assert candidate["source"] == "prior"
    assert full["rejections"]["background"] > 1000
    empty = json.loads((output / "0001.json").read_text())
    assert empty["candidates"] == []


def test_json_holds_no_nan(sequence: Path, tmp_path: Path) -> None:
    predict(sequence, "--output", tmp_path / "out")

    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    text = (tmp_path / "out" / "0000.json").read_text()
    data = json.loads(text, parse_constant=refuse)
    assert all(math.isfinite(value) for value in data["up"])


def test_flags_reach_the_predictor(sequence: Path, tmp_path: Path) -> None:
    def count(name: str, *flags: str) -> int:
        assert predict(sequence, "--output", tmp_path / name, *flags) == 0
        return len(json.loads((tmp_path / name / "0000.json").read_text())["candidates"])

    assert count("two", "--count", "2") == 2
    assert count("large", "--cell", cell_file(tmp_path, {"cup.radius": 0.06}, "")) == 0
    assert count("sure", "--min-probability", "0.999") == 0
    assert count("reference", "--empty", "0001") > 2


@pytest.mark.parametrize(
    "flags", [["--weights", "shipped"], ["--source", "learned"]], ids=["named", "by default"]
)
def test_the_shipped_weights_need_no_path(sequence: Path, tmp_path: Path, flags: list[str]) -> None:
    assert predict(sequence, "--output", tmp_path / "out", *flags) == 0
    candidates = json.loads((tmp_path / "out" / "0000.json").read_text())["candidates"]
    assert {candidate["source"] for candidate in candidates} == {"learned"}


def test_an_empty_bin_seen_from_above_says_so(tmp_path: Path) -> None:
    above = camera_at(90, 0.7)
    camera = SequenceCamera(INTRINSICS, region=interior_polygon(above))
    folder = SequenceWriter(tmp_path / "sequence", camera)
    folder.append(render(open_bin(), above, noise=0.0005))
    assert predict(folder.folder, "--output", tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "0000.json").read_text())["rejections"]["empty_bin"] == 1


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error


def test_bad_input_is_one_line_and_a_status(
    sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    assert predict(tmp_path / "nowhere", "--output", output) == 1
    assert "nowhere is not a folder" in one_line(capsys)
    assert predict(sequence, "--output", sequence) == 1
    assert "another folder" in one_line(capsys)
    assert predict(sequence, "--output", output, "--weights", "nowhere.safetensors") == 1
    assert "nowhere.safetensors" in one_line(capsys)
    assert predict(sequence, "--output", output, "--empty", "0007") == 1
    assert "0007" in one_line(capsys)
    (tmp_path / "cell.yaml").write_text("cup: {radius: -1.0}")
    assert predict(sequence, "--output", output, "--cell", tmp_path / "cell.yaml") == 1
    assert "cell.yaml: cup: cup of radius -1.0 m" in one_line(capsys)
    assert not output.exists()


def test_a_frame_without_depth_is_named_and_the_others_stay(
    sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = SequenceWriter(
        sequence, SequenceCamera(INTRINSICS, region=interior_polygon(T), T_base_camera=T)
    )
    depth = np.full((240, 320), np.nan, np.float32)
    writer.append(RgbdFrame(np.zeros((240, 320, 3), np.uint8), depth, INTRINSICS))
    assert predict(sequence, "--output", tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert "0002" in error
    assert "depth pixels are known" in error
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["0000.json", "0000.overlay.png", "0001.json", "0001.overlay.png"]


def test_a_broken_image_is_named(
    sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sequence / "0000.depth.png"
    path.write_bytes(path.read_bytes()[:500])
    assert predict(sequence, "--output", tmp_path / "out") == 1
    assert "0000.depth.png is not a whole PNG" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
