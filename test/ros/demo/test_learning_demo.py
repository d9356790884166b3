"""The demonstration of learning, whole: four processes, attempts, curve, film, exam."""

import re
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
from helpers.recordings import HAVE_RERUN

from grasp_affordance.cli import main
from grasp_affordance.learning.log.attempt_log import read_log
from grasp_affordance.models import load_model


def test_the_demo_learns_and_ends_with_curve_sentence_and_film(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["--objects", "3", "--scene", "rows", "--hardness", "IDEAL", "--prior"]
    status = main(["demo", "--output", str(tmp_path), *options, "--attempts", "4"])
    text = capfd.readouterr().out
    assert status == 0, text
    assert "serves compact-0000" in text  # the trainer's weights
    assert re.search(r"└─+ 4\D", text), text  # the curve
    begun = re.search(r"began with the analytic seal prior, and made (\d+) attempts", text)
    assert begun
    assert int(begun[1]) == 4
    folder = tmp_path / "run_001"
    assert len(list(read_log(folder / "log", frames=False))) >= 4
    assert cv2.imread(str(folder / "learning_curve.png")) is not None
    assert (folder / "attempts.rrd").exists() == HAVE_RERUN
    assert (f"rerun {folder / 'attempts.rrd'}" in text) == HAVE_RERUN
    assert load_model(folder / "learned.safetensors").version.startswith("compact-0000")
    exam = text[text.index("Exam on 1 new pile: ") :]
    picked = [int(each) for each in re.findall(r"with (\d) of 3 objects", exam)]
    assert len(picked) == 4
    assert picked[-1] == 3  # the oracle
    assert exam.rstrip().endswith(f"make demo WEIGHTS={folder / 'learned.safetensors'}")
    film = cv2.VideoCapture(str(folder / "attempts.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) >= 1


def test_weights_that_are_not_there_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--output", str(tmp_path), "--weights", "nowhere.safetensors"]) == 1
    assert "nowhere.safetensors is not a file" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_demo_that_is_asked_to_end_takes_its_nodes_along(tmp_path: Path) -> None:
    arguments = ["demo", "--output", str(tmp_path), "--objects", "3", "--scene", "rows"]
    program = f"from grasp_affordance.cli import main; raise SystemExit(main({arguments}))"
    with subprocess.Popen([sys.executable, "-c", program]) as demo:
        deadline = time.monotonic() + 60.0
        while not (tmp_path / "run_001" / "logs" / "trainer_node.log").exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        demo.terminate()
        assert demo.wait(60.0) == 130
    assert str(tmp_path) not in subprocess.check_output(["ps", "-ewwo", "args"], text=True)
