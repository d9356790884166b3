"""The page of parameters is what the code has, complete, and short enough to be read."""

import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
MOST = 150  # of all nodes and of a cell's file together


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "parameters_page.py"))


def test_the_page_is_up_to_date(tool: dict[str, Any]) -> None:
    written = (ROOT / "docs" / "parameters.md").read_text()
    assert written == tool["page"](), "run python tools/parameters_page.py > docs/parameters.md"


def test_every_parameter_has_a_meaning(tool: dict[str, Any]) -> None:
    rows = [(part, row) for part, rows in tool["sections"]().items() for row in rows]
    assert not [(part, name) for part, (name, _, meaning) in rows if not meaning]


def test_the_page_has_every_node(tool: dict[str, Any]) -> None:
    folder = ROOT / "grasp_affordance" / "ros"
    nodes = {path.stem for path in folder.rglob("*_node.py")}
    assert nodes == set(tool["NODES"])


def test_a_user_faces_few_settings(tool: dict[str, Any]) -> None:
    pytest.importorskip("grasp_affordance.cell_description")  # it takes what nodes repeat
    counts = {part: len(rows) for part, rows in tool["sections"]().items()}
    assert sum(counts.values()) <= MOST, counts
