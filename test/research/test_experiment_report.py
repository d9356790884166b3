"""What is published of an experiment follows from its rows, and says how far it can be trusted."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.experiment_runs import write_reference, write_run
from scipy.stats import ttest_rel

from grasp_affordance.learning.curve import rolling_success
from research import report_command
from research.experiments.markdown import (
    PUBLISHED,
    details_table,
    differences_table,
    evaluation_table,
    learning,
    section,
    success_table,
)
from research.experiments.numbers import over_seeds, reached
from research.experiments.plots import band
from research.experiments.results import ExperimentResults, mean_interval, read_experiments, rolling
from research.report.results_page import replace_part

PAGE = "# Results\n\n<!-- generated: learning -->\nold\n<!-- end of learning -->\n\nKept.\n"


def outcomes(failures: int, count: int = 100) -> list[bool]:
    """`count` attempts of which the first `failures` fail."""
    return [False] * failures + [True] * (count - failures)


def cells(table: str, first: str) -> dict[str, str]:
    """The cells of the row that begins with `first`, by the names of the columns."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    (found,) = [line for line in lines if line[0] == first]
    names = [
        f"{name} {lines[0][:n].count(name)}".removesuffix(" 0") for n, name in enumerate(lines[0])
    ]
    return dict(zip(names, found, strict=True))


def only(folder: Path) -> ExperimentResults:
    (results,) = read_experiments(folder)
    return results


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Two seeds from scratch: 40 and 20 failures first, then 160 and 180 successes."""
    for seed, failures in ((0, 40), (1, 20)):
        write_run(tmp_path, "scratch", "scratch", seed, outcomes(failures, 200))
        write_reference(tmp_path, "live", "prior", seed, [18] * 10)
        write_reference(tmp_path, "live", "oracle", seed, [20] * 5 + [19] * 5)
    return tmp_path


def test_first_last_and_all_attempts_are_beside_prior_and_oracle(scratch: Path) -> None:
    found = cells(success_table(only(scratch)), "scratch")
    assert (found["seeds"], found["attempts"], found["cell"]) == ("2", "200", "realistic")
    assert found["first 100"] == "70.0 ± 14.1 %"
    assert found["last 100"] == "100.0 ± 0.0 %"
    assert found["all"] == "85.0 ± 7.1 %"
    assert found["prior there"] == found["prior there 1"] == "90.0 ± 0.0 %"
    assert found["oracle there"] == "95.0 ± 0.0 %"
    assert found["share of oracle"] == "105.3 ± 0.0 %"


def test_a_level_is_reached_when_a_full_window_holds_it(scratch: Path) -> None:
    # 40 failures first: the window has 90 successes after 130 attempts, 95 after 135.
    found = cells(success_table(only(scratch)), "scratch")
    assert found["≥ 90 % after"] == "120 (110–130)"
    assert found["≥ 95 % after"] == "125 (115–135)"
    assert reached([None, 150]) == "150, 1 of 2"
    assert reached([None, None]) == "never"


def test_calibration_time_and_causes_are_those_of_the_rows(scratch: Path) -> None:
    found = cells(details_table(only(scratch)), "scratch")
    # Every prediction is 0.8: the score is (0.8 - y)^2, 0.64 for a failure and 0.04 for a success.
    assert found["Brier"] == "0.130 ± 0.042"
    assert found["seconds / attempt"] == "1.50"
    assert found["of these learning"] == "0.50"
    assert found["causes of failure"] == "leak_edge 60"
    assert found["sensed wrongly"] == "0.0 %"


def test_references_that_have_not_seen_all_piles_are_not_shown(scratch: Path) -> None:
    write_reference(scratch, "live", "oracle", 0, [20] * 9)
    write_reference(scratch, "live", "oracle", 1, [20] * 9)
    assert cells(success_table(only(scratch)), "scratch")["oracle there"] == "–"


def test_a_single_seed_is_called_an_indication(tmp_path: Path) -> None:
    write_run(tmp_path, "scratch", "scratch", 0, outcomes(10, 150))
    text = section(only(tmp_path))
    assert "A single seed: an indication, not a result." in text
    assert cells(success_table(only(tmp_path)), "scratch")["first 100"] == "90.0 % *"


def test_the_command_names_the_arms_attempts_and_seeds_that_ran(tmp_path: Path) -> None:
    for seed in range(2):
        write_run(tmp_path, "scratch", "scratch", seed, outcomes(10, 120))
        write_run(tmp_path, "adverse", "adverse", seed, outcomes(10, 120))
        write_run(tmp_path, "adverse", "choosy", seed, outcomes(10, 120))
    write_run(tmp_path, "adverse", "shipped", 0, outcomes(10, 110))
    scratch, adverse = map(section, read_experiments(tmp_path))
    assert "`grasp-affordance experiment scratch --attempts 120 --seeds 0:2`: 2 runs" in scratch
    command = "`grasp-affordance experiment adverse --attempts"
    both = f"{command} 120 --seeds 0:2 --arms adverse choosy`"
    assert f"{both} and {command} 110 --seeds 0:1 --arms shipped`: 5 runs" in adverse


def test_arms_are_compared_over_the_seeds_that_both_have(tmp_path: Path) -> None:
    failures = {"default": [10, 12, 20], "no_color": [15, 20, 24], "no_bootstrap": [9]}
    for arm, each in failures.items():
        for seed, count in enumerate(each):
            write_run(tmp_path, "ablations", arm, seed, outcomes(count))
    table = differences_table(only(tmp_path))
    found = cells(table, "no_color")
    assert (found["against"], found["seeds"]) == ("default", "3")
    assert found["flags"] == "`--trainer.learner.network.no-use-color`"
    differences = [-5.0, -8.0, -4.0]
    interval = ttest_rel(failures["default"], failures["no_color"]).confidence_interval(0.95)
    expected = f"{np.mean(differences):+.1f} ({interval.low:+.1f} to {interval.high:+.1f})"
    assert found["first 100"] == expected
    assert cells(table, "no_bootstrap")["first 100"] == "+1.0 *"
    assert "| default | the default" not in table  # the reference is not compared with itself


def test_tests_of_the_weights_stand_beside_prior_oracle_and_the_paper(tmp_path: Path) -> None:
    for seed, wins in ((0, 19), (1, 18)):
        write_run(tmp_path, "generalisation", "default", seed, outcomes(5), ["test2"], wins)
        write_reference(tmp_path, "test", "prior", seed, [16], "test2")
        write_reference(tmp_path, "test", "prior_abstaining", seed, [17], "test2")
        write_reference(tmp_path, "test", "oracle", seed, [20], "test2")
    found = cells(evaluation_table(only(tmp_path)), "test2")
    assert (found["arm"], found["seeds"], found["attempts"]) == ("default", "2", "40")
    assert found["success rate"].startswith("92.5 %")
    assert found["success rate"].endswith("*")  # 40 attempts are not enough to be published
    assert found["over seeds"] == "92.5 ± 3.5 %"
    assert found["prior"].startswith("80.0 %")
    assert found["minus prior, same piles"].startswith("+12.5")
    assert found["prior, abstaining"].startswith("85.0 %")
    assert found["minus that"].startswith("+7.5")
    assert found["of the prior, abstaining"] == "85.0 %"
    assert found["share of oracle"] == "92.5 %"
    assert found["the paper, published"] == PUBLISHED["test2"] == "79.05 %"


def test_tests_of_weights_that_have_learned_since_are_left_out(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "generalisation", "default", 0, outcomes(5), ["test2"])
    summary = (folder / "summary.json").read_text()
    (folder / "summary.json").write_text(summary.replace("digest-0", "digest-new"))
    assert not only(tmp_path).runs["default"][0].tests


def test_unfinished_runs_and_experiments_are_not_shown(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "scratch", "scratch", 0, outcomes(1))
    (folder / "summary.json").unlink()
    write_run(tmp_path, "adverse", "adverse", 0, outcomes(1))
    assert [results.name for results in read_experiments(tmp_path)] == ["adverse"]
    assert "From scratch" not in learning(read_experiments(tmp_path))
    assert read_experiments(tmp_path / "nowhere") == []


def test_rolling_success_is_that_of_equation_5() -> None:
    success = np.random.default_rng(0).random(130) < 0.7
    for window in (25, 100):
        expected = [rolling_success(list(success[: n + 1]), window) for n in range(130)]
        assert np.allclose(rolling(success.astype(float), window), expected)


def test_the_band_is_the_interval_of_the_mean_and_needs_two_seeds(tmp_path: Path) -> None:
    for seed, failures in enumerate((10, 20, 40)):
        write_run(tmp_path, "scratch", "scratch", seed, outcomes(failures, 120 + seed))
    runs = only(tmp_path).runs["scratch"]
    mean, low, high = band(runs, 100)
    assert len(mean) == 120  # of the shortest run
    assert mean[99] == pytest.approx((90 + 80 + 60) / 300)
    interval = mean_interval(np.array([0.9, 0.8, 0.6]))
    assert low[99] == pytest.approx(interval.low)
    assert high[99] == pytest.approx(min(interval.high, 1.0))
    assert np.isnan(band(runs[:1], 100)[1]).all()
    assert over_seeds([0.9]) == "90.0 % *"


def test_the_report_command_writes_the_part_and_its_pictures(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", "scratch", "scratch", 0, outcomes(10, 120))
    for arm in ("default", "no_color", "no_prior", "no_markings", "one_step"):
        write_run(tmp_path / "runs", "ablations", arm, 0, outcomes(10, 120))
    page = tmp_path / "docs" / "results.md"
    page.parent.mkdir()
    page.write_text(PAGE)
    report_command.run(tmp_path / "none", page, tmp_path / "runs")
    text = page.read_text()
    assert "### From scratch" in text
    assert "### Ablations" in text
    assert "Kept." in text
    for name in ("scratch", "ablations"):
        assert f"images/learning_{name}.png" in text
        assert cv2.imread(str(page.parent / "images" / f"learning_{name}.png")) is not None


def test_the_projects_own_page_has_the_part() -> None:
    page = Path(__file__).parents[2] / "docs" / "results.md"
    assert "new" in replace_part(page.read_text(), "learning", "new")
