"""The demonstration of learning, whole: four processes, attempts, curve, table, film."""

import re
from pathlib import Path

import cv2
import pytest
from helpers.recordings import HAVE_RERUN

from grasp_affordance.cli import main
from grasp_affordance.learning.log.attempt_log import read_log
from grasp_affordance.models import load_model


def test_the_demo_learns_and_ends_with_curve_table_and_film(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["--objects", "3", "--scene", "rows", "--hardness", "IDEAL", "--prior"]
    status = main(["demo", "--output", str(tmp_path), *options, "--attempts", "4"])
    text = capfd.readouterr().out
    assert status == 0, text
    assert "the robot begins with the analytic prior" in text
    assert "serving compact-0000" in text  # the trainer's weights, from the first attempt on
    assert "success, last 25 attempts" in text
    folder = tmp_path / "run_001"
    assert len(list(read_log(folder / "log", frames=False))) >= 4
    assert cv2.imread(str(folder / "learning_curve.png")) is not None
    assert (folder / "attempts.rrd").exists() == HAVE_RERUN
    assert (f"rerun {folder / 'attempts.rrd'}" in text) == HAVE_RERUN
    assert load_model(folder / "learned.safetensors").version.startswith("compact-0000")
    exam = text[text.index("Exam: 1 new pile, the same for all") :]
    picked = re.findall(r"\((\w+)\) .* (\d) of 3", exam)
    assert [policy for policy, _ in picked] == ["highest", "prior", "learned", "oracle"]
    assert dict(picked)["oracle"] == "3"
    film = cv2.VideoCapture(str(folder / "attempts.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) >= 1


def test_weights_that_are_not_there_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--output", str(tmp_path), "--weights", "nowhere.safetensors"]) == 1
    assert "nowhere.safetensors is not a file" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
