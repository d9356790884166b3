"""Runs are complete, resumable, reproducible, and never half-written."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from evaluation.fake_pile import clear_scripted

from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.protocol import ProtocolConfig
from grasp_affordance.evaluation.records import AttemptRow, Clearance
from grasp_affordance.evaluation.runner import RunConfig, parse_seeds, run
from grasp_affordance.evaluation.store import read_report, read_rows, write_json, write_rows
from grasp_affordance.execution.continuous import ContinuousConfig

CONFIG = RunConfig("fixed", "scripted", "ideal")


class KilledError(Exception):
    """The run is interrupted here."""


def killed_after(count: int) -> object:
    calls: list[tuple[int, int]] = []

    def clear(config: RunConfig, seed: int, index: int) -> tuple[Clearance, list[AttemptRow]]:
        if len(calls) == count:
            raise KilledError
        calls.append((seed, index))
        return clear_scripted(config, seed, index)

    return clear


def timeless(report: dict) -> dict:
    """A report without what differs between two equal runs."""
    text = {name: report[name] for name in report if name != "provenance"}
    for part in [text["total"], *text["per_seed"].values(), *text["per_stack"].values()]:
        part.update(wall_seconds=0, decision_seconds=0)
    for clearance in text["clearances"]:
        clearance.update(wall_seconds=0, decision_seconds=0)
    return text


def timeless_rows(path: Path) -> list[AttemptRow]:
    return [replace(row, decision_seconds=0.0) for row in read_rows(path)]


def test_a_report_has_the_documented_keys(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    run(CONFIG, range(2), 3, output, clear_scripted)
    report = json.loads(output.read_text())
    assert {"schema", "policy", "scene", "cell", "total", "per_seed", "per_stack"} <= set(report)
    assert set(report["per_seed"]) == {"0", "1"}
    expected = {
        "attempts",
        "successes",
        "success_rate",
        "objects_cleared_per_attempt",
        "completion",
        "picks_per_hour",
        "phase_seconds",
        "picks_per_intervention",
        "causes",
        "lifted",
        "placed",
        "disagreement_rate",
    }
    for part in [report["total"], *report["per_seed"].values(), *report["per_stack"].values()]:
        assert expected <= set(part)
    assert {"command", "revisions", "versions", "machine"} <= set(report["provenance"])
    assert len(report["clearances"]) == 6
    assert list(tmp_path.iterdir()) == [output]


def test_equal_runs_give_equal_reports(tmp_path: Path) -> None:
    reports = [run(CONFIG, range(2), 3, tmp_path / f"{k}.json", clear_scripted) for k in range(2)]
    assert timeless(reports[0]) == timeless(reports[1])


def test_worker_processes_change_nothing(tmp_path: Path) -> None:
    alone = run(CONFIG, range(2), 2, tmp_path / "one.json", clear_scripted)
    spread = run(CONFIG, range(2), 2, tmp_path / "two.json", clear_scripted, workers=2)
    assert timeless(alone) == timeless(spread)


def test_a_killed_run_continues_where_it_was(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    with pytest.raises(KilledError):
        run(CONFIG, range(2), 3, output, killed_after(4))  # type: ignore[arg-type]
    assert not output.exists()
    seen: list[tuple[int, int]] = []

    def clear(config: RunConfig, seed: int, index: int) -> tuple[Clearance, list[AttemptRow]]:
        seen.append((seed, index))
        return clear_scripted(config, seed, index)

    resumed = run(CONFIG, range(2), 3, output, clear, resume=True)
    assert seen == [(1, 1), (1, 2)]
    whole = run(CONFIG, range(2), 3, tmp_path / "whole.json", clear_scripted)
    assert timeless(resumed) == timeless(whole)


def test_an_unfinished_run_is_not_overwritten_unasked(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    with pytest.raises(KilledError):
        run(CONFIG, range(1), 3, output, killed_after(1))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="--resume"):
        run(CONFIG, range(1), 3, output, clear_scripted)


def test_a_finished_run_can_be_extended_by_seeds(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    run(CONFIG, range(1), 2, output, clear_scripted, rows=True)
    extended = run(CONFIG, range(3), 2, output, clear_scripted, resume=True, rows=True)
    whole = run(CONFIG, range(3), 2, tmp_path / "whole.json", clear_scripted, rows=True)
    assert timeless(extended) == timeless(whole)
    tables = [timeless_rows(tmp_path / name) for name in ("report.csv", "whole.csv")]
    assert tables[0] == tables[1]


def test_a_report_that_has_everything_is_left_as_it_is(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    run(CONFIG, range(2), 2, output, clear_scripted)
    before = output.read_bytes()
    again = run(CONFIG, range(1), 2, output, clear_scripted, resume=True)
    assert output.read_bytes() == before
    assert again == json.loads(before)
    assert "calibration" in again
    assert sorted(tmp_path.iterdir()) == [output]


def test_a_run_of_another_configuration_is_not_continued(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    run(CONFIG, range(1), 2, output, clear_scripted)
    other = RunConfig("fixed", "scripted", "ideal", protocol=ProtocolConfig(ContinuousConfig(5)))
    with pytest.raises(ConfigError, match="different: protocol"):
        run(other, range(1), 2, output, clear_scripted, resume=True)


def test_rows_that_were_not_kept_are_missed_not_invented(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    run(CONFIG, range(1), 2, output, clear_scripted)
    with pytest.raises(ConfigError, match="not kept"):
        run(CONFIG, range(1), 3, output, clear_scripted, resume=True, rows=True)


def test_rows_survive_the_csv(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    report = run(CONFIG, range(2), 2, output, clear_scripted, rows=True)
    rows = read_rows(output.with_suffix(".csv"))
    assert len(rows) == report["total"]["attempts"]
    assert sum(row.succeeded for row in rows) == report["total"]["successes"]
    assert sum(row.lifted for row in rows) == report["total"]["lifted"]


def clear_other(_: RunConfig, seed: int, index: int) -> tuple[Clearance, list[AttemptRow]]:
    """What another policy does with the same piles."""
    clearance, rows = clear_scripted(CONFIG, seed, index + 100)
    return replace(clearance, index=index), [replace(row, clearance=index) for row in rows]


def test_rows_of_another_policy_do_not_outlive_its_report(tmp_path: Path) -> None:
    output, other = tmp_path / "report.json", replace(CONFIG, policy="other")
    run(CONFIG, range(1), 2, output, clear_scripted, rows=True)
    run(other, range(1), 2, output, clear_other)
    assert not output.with_suffix(".csv").exists()
    with pytest.raises(ConfigError, match="not kept"):
        run(other, range(1), 3, output, clear_other, resume=True, rows=True)


def test_a_file_that_is_no_table_of_attempts_is_left_alone(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    output.with_suffix(".csv").write_text("precious\n")
    run(CONFIG, range(1), 1, output, clear_scripted)
    assert output.with_suffix(".csv").read_text() == "precious\n"


def test_rows_go_on_when_a_run_that_kept_them_is_extended(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    run(CONFIG, range(1), 1, output, clear_scripted, rows=True)
    run(CONFIG, range(1), 2, output, clear_scripted, resume=True)
    run(CONFIG, range(1), 3, output, clear_scripted, resume=True, rows=True)
    run(CONFIG, range(1), 3, tmp_path / "whole.json", clear_scripted, rows=True)
    assert timeless_rows(tmp_path / "report.csv") == timeless_rows(tmp_path / "whole.csv")


def test_rows_that_are_not_as_many_as_the_attempts_are_of_another_run(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    run(CONFIG, range(1), 2, output, clear_scripted, rows=True)
    table = output.with_suffix(".csv")
    write_rows(table, read_rows(table)[:-1])
    with pytest.raises(ConfigError, match="not kept"):
        run(CONFIG, range(1), 3, output, clear_scripted, resume=True, rows=True)


def test_a_run_killed_between_rows_and_report_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "report.json"
    run(CONFIG, range(1), 2, output, clear_scripted, rows=True)

    def write_or_die(path: Path, data: object) -> None:
        if path == output:
            raise KilledError
        write_json(path, data)

    monkeypatch.setattr("grasp_affordance.evaluation.store.write_json", write_or_die)
    with pytest.raises(KilledError):
        run(CONFIG, range(1), 3, output, clear_scripted, resume=True, rows=True)
    monkeypatch.undo()
    run(CONFIG, range(1), 3, output, clear_scripted, resume=True, rows=True)
    run(CONFIG, range(1), 3, tmp_path / "whole.json", clear_scripted, rows=True)
    assert timeless_rows(tmp_path / "report.csv") == timeless_rows(tmp_path / "whole.csv")


def test_a_foreign_file_is_no_report(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"total": 3}')
    with pytest.raises(ConfigError, match="no report"):
        read_report(path)


def test_seeds_are_a_half_open_range() -> None:
    assert list(parse_seeds("2:5")) == [2, 3, 4]
    assert list(parse_seeds("7")) == [7]


@pytest.mark.parametrize("text", ["", "a:b", "3:3", "5:2", "-1:2", "1:2:3"])
def test_seeds_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="seeds"):
        parse_seeds(text)


def test_nothing_to_do_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to do"):
        run(CONFIG, range(1), 0, tmp_path / "report.json", clear_scripted)
