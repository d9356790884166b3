"""The table of an experiment follows from its rows."""

from pathlib import Path

import pytest
from helpers.experiment_runs import write_run

from research.experiments.results import read_experiments, rolling
from research.experiments.table import over_seeds, reached, table_of
from research.tables import Table


def outcomes(failures: int, count: int) -> list[bool]:
    """`count` attempts of which the first `failures` fail."""
    return [False] * failures + [True] * (count - failures)


def table(folder: Path) -> Table:
    (results,) = read_experiments(folder)
    return table_of(results)


def cell(found: Table, column: str, row: int = 0) -> str:
    return str(found.rows[row][list(found.columns).index(column)])


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Two seeds from scratch: 40 and 20 failures first, then 160 and 180 successes."""
    for seed, failures in ((0, 40), (1, 20)):
        write_run(tmp_path, "scratch", "scratch", seed, outcomes(failures, 200), ["train"], 18)
    return tmp_path


def test_first_last_and_all_attempts_are_those_of_the_rows(scratch: Path) -> None:
    found = table(scratch)
    assert cell(found, "first 100") == "70.0 ± 14.1 %"
    assert cell(found, "last 100") == "100.0 ± 0.0 %"
    assert cell(found, "all") == "85.0 ± 7.1 %"
    assert (found.seeds, found.revision) == ("0:2", "abc")


def test_a_level_is_reached_when_a_full_window_holds_it(scratch: Path) -> None:
    assert cell(table(scratch), "90 % after") == "120 (110–130)"
    assert reached([None, 150]) == "150, 1 of 2"
    assert reached([None, None]) == "never"


def test_tests_of_the_weights_pool_attempts_and_objects(scratch: Path) -> None:
    assert cell(table(scratch), "then train: success / objects") == "90.0 % of 40 / 90.0 %"


def test_the_command_names_arms_attempts_and_seeds_that_ran(tmp_path: Path) -> None:
    write_run(tmp_path, "prior", "ideal", 3, [True] * 100)
    command = "python -m research experiment prior --attempts 100 --seeds 3:4 --arms ideal"
    assert table(tmp_path).command == command
    assert "A single seed" in table(tmp_path).note


def test_unfinished_runs_are_not_shown(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "prior", "ideal", 0, [True] * 100)
    (folder / "summary.json").unlink()
    assert not read_experiments(tmp_path)


def test_tests_of_weights_that_have_learned_since_are_left_out(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "prior", "ideal", 0, [True] * 100, ["train"])
    path = folder / "summary.json"
    path.write_text(path.read_text().replace("digest-0", "digest-9"))
    assert not any(column.startswith("then") for column in table(tmp_path).columns)


def test_rolling_success_is_that_of_equation_5() -> None:
    assert rolling([1.0, 0.0, 1.0, 1.0], window=2).tolist() == [1.0, 0.5, 0.5, 1.0]  # type: ignore[arg-type]


def test_a_single_seed_has_no_spread() -> None:
    assert over_seeds([0.5]) == "50.0 %"
    assert over_seeds([float("nan")]) == "–"
