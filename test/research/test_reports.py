"""What people read says what the reports hold."""

import io
from pathlib import Path
from typing import Any

import pytest
from evaluation.fake_pile import clear_scripted
from rich.console import Console

from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.runner import RunConfig, run
from grasp_affordance.evaluation.store import write_json
from grasp_affordance.evaluation.tables import causes_text, percent, run_tables, with_interval
from research.baselines import in_full, in_short, read_reports
from research.tables import Table, fill, read_table, write_table

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("reports")
    measured = []
    for cell in ("realistic", "adverse"):
        for policy in ("prior", "oracle"):
            config = RunConfig(policy, "train", cell)
            output = folder / f"{cell}-{policy}.json"
            measured.append(run(config, range(2), 2, output, clear_scripted))
    return measured


def test_shares_are_percentages_with_their_interval() -> None:
    assert with_interval(0.96619, [0.941, 0.98]) == "96.6 % (94.1–98.0)"
    assert percent(None) == with_interval(None, None) == "–"


def test_the_rarest_causes_are_summed() -> None:
    figures = {"causes": {"leak_edge": 9, "leak_tilt": 4, "broken_lever": 2, "dropped": 1}}
    assert causes_text(figures) == "leak_edge 9, leak_tilt 4, broken_lever 2, other 1"


def test_the_terminal_shows_total_seeds_and_figures_in_80_columns(
    reports: list[dict[str, Any]],
) -> None:
    report = {**reports[0], "per_stack": dict.fromkeys(("cluttered", "rows"), reports[0]["total"])}
    console = Console(width=80, record=True, file=io.StringIO())
    for table in run_tables(report):
        console.print(table)
    text = console.export_text()
    total = reports[0]["total"]
    assert "prior · train · realistic cell" in text
    assert "seed 1" in text
    assert "cluttered" in text
    expected = with_interval(total["success_rate"], total["success_rate_interval"])
    assert text.count(expected) >= 3  # in one line each: of the total and of two stack types
    assert f"{total['lifted']}, {total['placed']}" in text
    assert causes_text(total) in text
    assert "…" not in text


def test_baselines_are_ordered_by_place_and_policy(
    reports: list[dict[str, Any]], tmp_path: Path
) -> None:
    for number, report in enumerate(reversed(reports)):
        write_json(tmp_path / f"{number}.json", report)
    found = read_reports(tmp_path)
    assert [(r["cell"], r["policy"]) for r in found] == [
        ("realistic", "prior"),
        ("realistic", "oracle"),
        ("adverse", "prior"),
        ("adverse", "oracle"),
    ]
    short = in_short(found)
    total = found[0]["total"]
    expected = f"{100 * total['success_rate']:.1f} / {100 * total['completion']:.0f}"
    assert short.rows[0][1] == expected
    assert short.rows[0][2] == "–"  # nothing was measured there
    full = in_full(found)
    assert full.seeds == "0:2"
    assert len(full.rows) == 4


def test_no_reports_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="make results"):
        read_reports(tmp_path)


def test_a_table_survives_the_disk_and_fills_only_its_part_of_a_page(tmp_path: Path) -> None:
    table = Table("T", "do it", "0:1", "abc", "Abacus", ("a", "b"), (("x", 1),), "Note.")
    write_table(tmp_path / "t.json", table)
    page = "Before.\n<!-- table: t -->\nold\n<!-- end of t -->\nAfter.\n"
    filled = fill(page, tmp_path)
    assert filled.startswith("Before.\n<!-- table: t -->\n\n| a | b |\n| --- | --- |\n| x | 1 |")
    assert filled.endswith("<!-- end of t -->\nAfter.\n")
    assert "old" not in filled
    assert "`do it`; seeds 0:1; revision abc; Abacus." in filled
    assert fill(filled, tmp_path) == filled


def test_a_missing_or_damaged_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"t\.json is no table"):
        fill("<!-- table: t -->\n<!-- end of t -->", tmp_path)
    (tmp_path / "t.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"t\.json is no table"):
        read_table(tmp_path / "t.json")
    with pytest.raises(ConfigError, match="a row has not 2 cells"):
        Table("T", "", "", "", "", ("a", "b"), (("x",),))


@pytest.mark.parametrize("page", ["README.md", "docs/results.md", "docs/detection.md"])
def test_the_projects_pages_show_the_tables_as_they_are(page: str) -> None:
    text = (ROOT / page).read_text()
    assert fill(text, ROOT / "results") == text


@pytest.mark.parametrize("path", sorted((ROOT / "results").iterdir()), ids=lambda p: p.name)
def test_every_published_result_is_a_small_table(path: Path) -> None:
    table = read_table(path)
    assert all((table.title, table.command, table.seeds, table.revision, table.machine))
    assert path.stat().st_size < 50_000
