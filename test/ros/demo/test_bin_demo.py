"""The demonstration, whole: three processes, a bin emptied, a picture of each attempt."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from grasp_affordance_interfaces.msg import PhaseReport, PickResult
from rich.console import Console

from grasp_affordance.attempt import Outcome
from grasp_affordance.cli import main
from grasp_affordance.ros.demo.demo_pictures import draw_result
from grasp_affordance.ros.demo.demo_summary import Summary


def result(index: int, outcome: int, cause: str = "none", truth: str = "success") -> PickResult:
    phases = [PhaseReport(phase="pre_grasp", duration=1.5), PhaseReport(phase="lift", duration=0.5)]
    message = PickResult(index=index, outcome=outcome, cause=cause, phases=phases)
    message.true_outcome, message.true_cause = truth, "leak_edge" if truth == "failure" else "none"
    message.point.u, message.point.v = 200, 120
    return message


def test_the_table_counts_what_the_lines_say() -> None:
    summary = Summary()
    lines = [
        summary.add(result(0, PickResult.OUTCOME_SUCCESS)),
        summary.add(result(1, PickResult.OUTCOME_FAILURE, "no_seal", "failure")),
        summary.add(result(2, PickResult.OUTCOME_SUCCESS, truth="failure")),
        summary.add(result(3, PickResult.OUTCOME_UNCERTAIN, "sensors_disagree")),
    ]
    assert [("pick   1" in line, "no_seal" in line) for line in lines[:2]] == [
        (True, False),
        (False, True),
    ]
    assert (summary.attempts, summary.successes) == (4, 2)
    assert (summary.disagreements, summary.uncertain) == (1, 1)
    console = Console(width=120)
    with console.capture() as captured:
        console.print(summary.table(wall_seconds=4.0, ending="empty_bin: the bin is empty"))
    text = captured.get()
    assert "2 (50%)" in text
    assert "900" in text  # 2 successes in 8 s of the robot's time
    assert "1800" in text  # and in 4 s of this computer's


@pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.FAILURE, Outcome.UNCERTAIN])
def test_a_picture_is_marked_where_the_cup_went(outcome: Outcome) -> None:
    picture = np.full((240, 320, 3), 90, np.uint8)
    draw_result(picture, result(0, PickResult.OUTCOME_SUCCESS), outcome)
    changed = (picture != 90).any(axis=2)
    rows, columns = np.nonzero(changed[60:])
    assert abs(float(rows.mean()) + 60 - 120) < 2
    assert abs(float(columns.mean()) - 200) < 2


def test_the_demo_empties_a_bin_and_keeps_pictures_and_a_film(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["--objects", "2", "--scene", "rows", "--hardness", "IDEAL"]
    assert main(["demo", "--show", "picking", "--output", str(tmp_path), *options]) == 0
    assert "empty_bin" in capfd.readouterr().out
    pictures = sorted(tmp_path.glob("attempt_*.png"))
    assert len(pictures) >= 2
    first = cv2.imread(str(pictures[0]))
    assert first is not None
    assert first.shape == (480, 640, 3)
    slides = cv2.VideoCapture(str(tmp_path / "attempts.mp4"))
    assert slides.get(cv2.CAP_PROP_FRAME_COUNT) == len(pictures)
    film = cv2.VideoCapture(str(tmp_path / "cell.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) > 10


def test_an_unknown_scene_is_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--scene", "nowhere", "--output", str(tmp_path / "out")]) == 1
    assert "nowhere" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
