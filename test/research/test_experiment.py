"""`python -m research experiment` from the command line to the results, and its errors."""

import json
from pathlib import Path

import pytest

from grasp_affordance.cli import main as run_cli
from grasp_affordance.evaluation.learning_rows import read_learning_rows
from research.__main__ import COMMANDS
from research.experiments.arms import EXPERIMENTS
from research.tables import read_table


def main(arguments: list[str]) -> int:
    return run_cli(arguments, COMMANDS, "research.commands", "python -m research")


def command(folder: Path, *options: str) -> int:
    places = ["--raw", str(folder / "raw"), "--work", str(folder / "work")]
    places += ["--tables", str(folder)]
    return main(["experiment", *options, *places])


def test_an_experiment_ends_in_a_table_and_keeps_the_rest_in_its_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = ["prior", "--arms", "ideal", "--attempts", "1", "--seeds", "4"]
    bare = ["--no-tests"]
    assert command(tmp_path, *tiny, *bare) == 0
    folder = tmp_path / "raw" / "prior" / "ideal-seed4"
    assert {path.name for path in folder.glob("[!.]*")} == {"attempts.csv", "summary.json"}
    assert len(read_learning_rows(folder / "attempts.csv")) == 1
    run = json.loads((folder / "summary.json").read_text())["run"]
    assert (run["cell"], run["scene"], run["seed"]) == ("ideal", "train", 4)
    assert (tmp_path / "work" / "prior" / "ideal-seed4" / "model.safetensors").exists()
    assert "ideal" in capsys.readouterr().out
    assert [row[0] for row in read_table(tmp_path / "learning_prior.json").rows] == ["ideal"]
    assert command(tmp_path, *tiny, *bare) == 1
    assert "add --resume" in capsys.readouterr().err
    assert command(tmp_path, *tiny, *bare, "--resume") == 0


def test_without_a_name_the_experiments_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in EXPERIMENTS)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["nonsense"], "experiment 'nonsense' is unknown; use one of scratch"),
        (["ablations", "--arms", "magic"], "no arms magic: choose from default"),
        (["prior", "--seeds", "3:1"], "seeds '3:1'"),
        (["prior", "--attempts", "0"], "nothing to do"),
        (["prior", "--clearances", "0"], "--no-tests"),
        (["prior", "--workers", "0"], "0 workers"),
    ],
)
def test_mistakes_are_named_before_anything_is_run(
    tmp_path: Path, options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path, *options) == 1
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_a_run_that_fails_is_named_and_the_command_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder of one run holds another run."""
    folder = tmp_path / "raw" / "prior" / "ideal-seed0"
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text('{"run": {"seed": 7}}')
    tiny = ["prior", "--arms", "ideal", "--attempts", "1", "--seeds", "0:1", "--resume"]
    assert command(tmp_path, *tiny, "--no-tests") == 1
    assert "different: " in " ".join(capsys.readouterr().out.split())
