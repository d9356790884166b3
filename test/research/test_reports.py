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
from grasp_affordance.evaluation.tables import causes_text, percent, run_table, with_interval
from research.commands import report as report_command
from research.report.markdown import details, in_short, overview, per_stack
from research.report.results_page import replace_part, update_page

PAGE = """# Results

Kept.

<!-- generated: baselines -->
old
<!-- end of baselines -->

Kept too.
"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("reports")
    measured = []
    for cell in ("ideal", "adverse"):
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


def test_the_terminal_shows_total_seeds_and_figures(reports: list[dict[str, Any]]) -> None:
    console = Console(width=240, record=True, file=io.StringIO())
    console.print(run_table(reports[0]))
    text = console.export_text()
    total = reports[0]["total"]
    assert "prior · train · ideal cell" in text
    assert "seed 1" in text
    expected = with_interval(total["success_rate"], total["success_rate_interval"])
    assert expected in text


def test_a_rate_on_few_attempts_is_marked(reports: list[dict[str, Any]]) -> None:
    table = overview(reports, "ideal")
    row = next(line for line in table.splitlines() if line.startswith("| train"))
    assert row.count("*") == 2
    whole = [{**r, "total": {**r["total"], "publishable": True}} for r in reports]
    assert "*" not in overview(whole, "ideal")


def test_the_same_piles_cleared_alike_differ_by_nothing(reports: list[dict[str, Any]]) -> None:
    row = next(line for line in details(reports, "ideal").splitlines() if "| oracle |" in line)
    assert "+0.0 (+0.0 to +0.0)" in row


def test_every_stack_type_has_its_row(reports: list[dict[str, Any]]) -> None:
    rows = per_stack(reports, "adverse", "train").splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == list(reports[0]["per_stack"])


def test_only_the_generated_part_of_a_page_changes() -> None:
    text = replace_part(PAGE, "baselines", "new")
    assert "Kept." in text
    assert "Kept too." in text
    assert "old" not in text
    assert replace_part(text, "baselines", "new") == text


@pytest.mark.parametrize("page", ["no markers", PAGE + PAGE])
def test_a_page_without_exactly_one_such_part_is_refused(page: str) -> None:
    with pytest.raises(ConfigError, match="no part 'baselines'"):
        replace_part(page, "baselines", "new")


def test_a_page_is_updated_whole_or_not_at_all(tmp_path: Path) -> None:
    page = tmp_path / "results.md"
    page.write_text(PAGE)
    with pytest.raises(ConfigError):
        update_page(page, {"baselines": "new", "missing": "new"})
    assert page.read_text() == PAGE


def test_the_report_command_writes_page_and_pictures(
    tmp_path: Path, reports: list[dict[str, Any]]
) -> None:
    for number, each in enumerate(reports):
        write_json(tmp_path / "runs" / f"{number}.json", each)
    page = tmp_path / "docs" / "results.md"
    page.parent.mkdir()
    page.write_text(PAGE)
    readme = tmp_path / "README.md"
    readme.write_text(PAGE.replace("baselines", "in short"))
    report_command.run(tmp_path / "runs", page, tmp_path / "none", readme)
    text = page.read_text()
    assert "| picks by | train, adverse cell | train, ideal cell |" in readme.read_text()
    assert "### The ideal cell" in text
    assert "### The adverse cell" in text
    for name in ("baselines.png", "baseline_causes.png"):
        picture = (page.parent / "images" / name).read_bytes()
        assert picture.startswith(b"\x89PNG")


def test_the_short_table_has_success_and_share_of_the_objects(
    reports: list[dict[str, Any]],
) -> None:
    changed = {"success_rate": 0.98765, "completion": 0.5}
    whole = [*reports[:1], {**reports[1], "total": {**reports[1]["total"], **changed}}]
    rows = in_short(whole).splitlines()
    assert rows[0] == "| picks by | train, ideal cell |"
    assert rows[3] == "| an oracle that knows the scene | 98.8 / 50 |"


def test_no_reports_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="make results"):
        report_command.run(tmp_path, tmp_path / "page.md", tmp_path)


def test_the_projects_own_page_has_its_generated_part() -> None:
    project = Path(__file__).parents[2]
    page = (project / "docs" / "results.md").read_text()
    assert "new" in replace_part(page, "baselines", "new")
    assert "new" in replace_part((project / "README.md").read_text(), "in short", "new")
