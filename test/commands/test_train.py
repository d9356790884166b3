"""`grasp-affordance train` in the simulated cell: complete, resumable, refusing what is amiss."""

import json
import math
from pathlib import Path

import cv2
import pytest

from grasp_affordance.cli import main
from grasp_affordance.evaluation.learning_rows import (
    LearningRow,
    LearningTable,
    read_learning_rows,
)
from grasp_affordance.evaluation.make_learner import LearnerOptions, make_learner
from grasp_affordance.folder_lock import FolderLock
from grasp_affordance.learning.log.attempt_log import AttemptLog, AttemptLogError, read_log
from grasp_affordance.learning.online import OnlinePolicy
from grasp_affordance.learning.trainer import Trainer, TrainingReport
from grasp_affordance.learning.training_samples import TEACHING, TrainingSample
from grasp_affordance.models import load_model

CELL = ["--hardness", "ideal", "--scene", "rows"]
PAPER = ["--preset", "paper", "--paper.network.backbone", "resnet18"]
RANDOM = ["--paper.network.weights", "random"]


def train(folder: Path, attempts: int, *options: str) -> int:
    arguments = ["train", "--output", str(folder), "--attempts", str(attempts)]
    return main([*arguments, *CELL, *options])


def test_a_run_leaves_rows_curve_figures_weights_and_goes_on_when_resumed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert train(folder, 2, "--log") == 0
    first = read_learning_rows(folder / "attempts.csv")
    assert [row.number for row in first] == [0, 1]
    assert all(row.stack == "rows" for row in first)
    assert train(folder, 3, "--log", "--resume") == 0
    rows = read_learning_rows(folder / "attempts.csv")
    assert [row.number for row in rows] == [0, 1, 2]
    assert rows[:2] == first
    assert rows[2].pile == first[-1].pile + 1  # the interrupted pile is gone
    assert rows[2].rolling_success == sum(row.succeeded for row in rows) / 3
    figures = json.loads((folder / "summary.json").read_text())["figures"]
    assert figures["attempts"] == 3
    assert cv2.imread(str(folder / "learning_curve.png")) is not None
    assert load_model(folder / "model.safetensors").version == rows[-1].version
    attempts = list(read_log(folder / "log"))
    assert [attempt.index for attempt in attempts] == [0, 1, 2]
    assert [attempt.point.u for attempt in attempts] == [row.u for row in rows]
    assert {attempt.policy for attempt in attempts} == {"online"}
    # A row has the weights in service after it, an attempt those that chose it.
    assert [a.model_version for a in attempts[1:]] == [row.version for row in rows[:-1]]
    assert attempts[0].model_version


class KilledError(BaseException):
    """The run is interrupted here."""


def training_samples_in(folder: Path) -> tuple[int, int]:
    """Attempts that the learner of a run was told of, and those that taught it something."""
    policy = make_learner(LearnerOptions(), 0, folder / "weights")
    assert isinstance(policy, OnlinePolicy)
    return policy.trainer.state.consumed, policy.trainer.state.attempts


def test_an_attempt_that_was_logged_when_a_kill_came_is_learned_from_when_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, consume = tmp_path / "run", Trainer.consume

    def consume_or_die(trainer: Trainer, training_sample: TrainingSample) -> TrainingReport:
        if trainer.state.consumed == 1:
            raise KilledError
        return consume(trainer, training_sample)

    monkeypatch.setattr(Trainer, "consume", consume_or_die)
    with pytest.raises(KilledError):
        train(folder, 3, "--log")
    monkeypatch.undo()
    assert [attempt.index for attempt in read_log(folder / "log")] == [0, 1]
    assert training_samples_in(folder)[0] == 1
    assert train(folder, 3, "--log", "--resume") == 0
    attempts = list(read_log(folder / "log"))
    assert [attempt.index for attempt in attempts] == [0, 1, 2]
    teaching = sum(attempt.outcome in TEACHING for attempt in attempts)
    assert training_samples_in(folder) == (3, teaching)
    check_account(folder, 3)


@pytest.mark.parametrize("moment", ["before the row", "in the midst of the row"])
def test_the_account_of_a_run_that_was_killed_often_holds_all_that_its_log_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    folder, append = tmp_path / "run", LearningTable.append

    def die(table: LearningTable, row: LearningRow) -> LearningRow:
        if moment == "in the midst of the row":
            append(table, row)
            data = table.path.read_bytes()
            table.path.write_bytes(data[:-20])
        raise KilledError

    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(LearningTable, "append", die)
            with pytest.raises(KilledError):
                train(folder, 4, "--log", "--resume")
    assert train(folder, 4, "--log", "--resume") == 0
    rows = check_account(folder, 4)
    assert [row.pile for row in rows[:3]] == [0, 1, 2]  # each kill ended a pile
    assert math.isnan(rows[0].loss)
    assert not math.isnan(rows[0].exploration)


def check_account(folder: Path, count: int) -> list[LearningRow]:
    """Assert that table, figures and log of a run tell of the same attempts; return the rows."""
    rows = read_learning_rows(folder / "attempts.csv")
    attempts = list(read_log(folder / "log"))
    assert [row.number for row in rows] == [a.index for a in attempts] == list(range(count))
    for row, attempt in zip(rows, attempts, strict=True):
        assert (row.u, row.v) == (attempt.point.u, attempt.point.v)
        assert row.probability == attempt.point.probability
        assert (row.outcome, row.true_outcome) == (attempt.outcome, attempt.true_outcome)
        done = [r.succeeded for r in rows[: row.number + 1]]
        assert row.rolling_success == pytest.approx(sum(done) / len(done))
        assert row.stack == "rows"
    assert [row.version for row in rows[:-1]] == [a.model_version for a in attempts[1:]]
    figures = json.loads((folder / "summary.json").read_text())["figures"]
    assert figures["attempts"] == count
    assert figures["success"] == pytest.approx(sum(r.succeeded for r in rows) / count)
    return rows


def test_what_cannot_be_logged_is_not_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> int:
        raise AttemptLogError("the disk is full")

    monkeypatch.setattr(AttemptLog, "append", full)
    assert train(tmp_path / "run", 1, "--log") == 1
    assert "the disk is full" in capsys.readouterr().err
    assert training_samples_in(tmp_path / "run") == (0, 0)


def test_the_papers_preset_explores_learns_and_resumes(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert train(folder, 1, *PAPER, *RANDOM, "--exploration-start", "1.0") == 0
    rows = read_learning_rows(folder / "attempts.csv")
    assert [row.source for row in rows] == ["exploration"]
    assert rows[0].loss == pytest.approx(0.693, abs=0.05)  # undecided at first: log 2
    other = train(folder, 2, *PAPER, *RANDOM, "--resume")
    assert other == 1  # another schedule is another run


def test_the_papers_preset_may_begin_with_coarse_labels_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    coarse = ["--pretrain.images", "2", "--pretrain.epochs", "1"]
    assert train(folder, 1, *PAPER, *RANDOM, *coarse) == 0
    assert "pretrained: loss" in capsys.readouterr().out
    assert train(folder, 2, *PAPER, *RANDOM, *coarse, "--resume") == 0
    assert "pretrained" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--scene", "nowhere"], "scene 'nowhere' is unknown"),
        (["--hardness", "kind"], "hardness 'kind' is unknown"),
        (["--cell", "moon"], "no cell 'moon': expected a file, or one of gazebo, sim"),
        (["--attempts", "0"], "nothing to do"),
        (["--preset", "paper", "--weights", "w.safetensors"], "leave out --weights"),
        (["--pretrain.images", "30"], "only the paper's preset is pretrained"),
        (["--weights", "w.safetensors"], "'w.safetensors' does not exist"),
    ],
)
def test_mistakes_are_named_before_anything_is_simulated(
    tmp_path: Path, options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--output", str(tmp_path / "run"), *options]) == 1
    assert reason in capsys.readouterr().err


def test_a_run_that_another_process_is_at_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FolderLock(tmp_path / "run"):
        assert train(tmp_path / "run", 1, "--resume") == 1
    assert "another process is writing" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


def test_a_folder_with_a_run_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "attempts.csv").write_text("precious\n")
    assert train(tmp_path / "run", 1) == 1
    assert "add --resume" in capsys.readouterr().err
    assert (tmp_path / "run" / "attempts.csv").read_text() == "precious\n"
