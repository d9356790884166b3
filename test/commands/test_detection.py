"""`grasp-affordance train_detector` and `detect`, run as their user runs them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.annotation_scenes import INTRINSICS, Block, frame

from grasp_affordance.annotation.pair import AnnotationConfig
from grasp_affordance.annotation.sequence_labels import annotate_sequence
from grasp_affordance.cli import main
from grasp_affordance.sequence import Sequence, SequenceCamera, SequenceWriter


def record(folder: Path, seed: int) -> Path:
    """Write a sequence in which two blocks are removed, annotate it, return the labels' folder."""
    rng = np.random.default_rng(seed)
    blocks = [
        Block(100 + 120 * n, 120, 70, 22, float(rng.uniform(0, 3)), color=(200, 60 * n, 40))
        for n in range(2)
    ]
    writer = SequenceWriter(folder / "sequence", SequenceCamera(INTRINSICS))
    for stage in (blocks, blocks[1:], []):
        writer.append(frame(*stage, rng=rng, holes=0.01))
    annotate_sequence(Sequence(writer.folder), folder / "labels", AnnotationConfig())
    return folder / "labels"


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [record(tmp_path_factory.mktemp(f"sequence{seed}"), seed) for seed in range(2)]


def train(labels: list[Path], output: Path, *arguments: object) -> int:
    given = ["--batch", 1, "--evaluate-every", 2, "--threads", 1, *arguments]
    return main(["train_detector", *map(str, labels), "--output", str(output), *map(str, given)])


def test_labels_become_a_detector_and_a_detector_becomes_grasps(
    labels: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, output = tmp_path / "run", tmp_path / "new" / "results"
    assert train(labels, run, "--steps", 2) == 0
    told = capsys.readouterr().out
    assert "training: 3 frames" in told
    assert "validation: 3 frames" in told
    model = run / "model.safetensors"
    sequence = labels[0].parent / "sequence"
    asked = ["--threshold", "0", "--count", "5"]
    given = [str(sequence), "--weights", str(model), "--output", str(output), *asked]
    assert main(["detect", *given]) == 0
    assert len(list(output.glob("*.grasps.json"))) == 3
    picture = cv2.imread(str(output / "0000.grasps.png"))
    assert picture is not None
    assert picture.shape == (240, 320, 3)
    content = json.loads((output / "0000.grasps.json").read_text())
    assert content["model"].startswith("dense-grasp-detector-")
    assert 0 < len(content["grasps"]) <= 5
    for grasp in content["grasps"]:
        pixel = INTRINSICS.project(np.array(grasp["position"]))
        np.testing.assert_allclose(pixel, [grasp["x"], grasp["y"]], atol=0.05)
        assert 0 < grasp["opening"] <= 0.085
        assert np.linalg.norm(grasp["quaternion"]) == pytest.approx(1, abs=1e-4)


def test_a_run_goes_on_and_is_fine_tuned(labels: list[Path], tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train(labels, run, "--steps", 2) == 0
    assert train(labels, run, "--steps", 2) == 1  # it would be overwritten
    assert train(labels, run, "--steps", 4, "--resume") == 0
    tuned = tmp_path / "tuned"
    model = run / "model.safetensors"
    assert train(labels[:1], tuned, "--fine-tune", model, "--steps", 2) == 0
    assert (tuned / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "paper", "--fine-tune", "{model}"], "not of the preset"),
        (["--channels", "rgd"], "are of the preset paper"),
        (["--steps", "0"], "must be positive"),
    ],
)
def test_wrong_use_is_named(
    labels: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    model = tmp_path / "run" / "model.safetensors"
    if "{model}" in arguments:
        assert train(labels, tmp_path / "run", "--steps", 2) == 0
    filled = [argument.format(model=model) for argument in arguments]
    assert train(labels, tmp_path / "other", *filled) == 1
    assert message in capsys.readouterr().err


def test_folders_that_hold_no_labels_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train([tmp_path], tmp_path / "run") == 1
    assert "annotate first" in capsys.readouterr().err


def test_weights_of_something_else_are_named(
    labels: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sequence = labels[0].parent / "sequence"
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"nothing")
    assert main(["detect", str(sequence), "--weights", str(wrong), "--output", str(tmp_path)]) == 1
    assert "not a safetensors file" in capsys.readouterr().err
