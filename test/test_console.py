"""What commands print is whole at any width."""

import ast
import io
from pathlib import Path

import pytest
from rich.console import Console

import grasp_affordance
from grasp_affordance.console import ReportTable, text_curve

WORDS = ("objects_cleared_per_attempt", "96.6 % (94.1-98.0)", "leak_edge 9, leak_tilt 4", "17")


@pytest.mark.parametrize("headers", [True, False])
@pytest.mark.parametrize("width", [150, 80, 40, 25])
def test_nothing_of_a_table_is_cut(width: int, headers: bool) -> None:
    table = ReportTable(*("pixels_lost_per_cause" for _ in WORDS[:3] if headers))
    table.show_header = headers
    table.add_row(*WORDS)
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(table)
    text = console.export_text()
    assert "…" not in text
    assert all(len(line) <= width for line in text.splitlines())
    letters = set("".join(WORDS)) - {" "}
    for letter in letters:
        assert text.count(letter) >= "".join(WORDS).count(letter)


@pytest.mark.parametrize("count", [0, 1, 30, 500])
def test_a_curve_in_the_terminal_is_as_high_as_its_shares(count: int) -> None:
    shares = [(n + 0.5) / count for n in range(count)]
    *rows, axis = text_curve(shares, width=40, height=4).splitlines()
    columns = [row.partition("│")[2] for row in rows]
    assert {len(column) for column in columns} == {min(count, 40)}
    assert axis.endswith(f" {count}")
    filled = [
        sum(" ▁▂▃▄▅▆▇█".index(mark) for mark in marks) for marks in zip(*columns, strict=True)
    ]
    assert filled == sorted(filled)
    for n, height in enumerate(filled):
        assert height / 32 == pytest.approx((n + 0.5) / len(filled), abs=0.05)


def test_every_table_of_the_package_is_such_a_table() -> None:
    root = Path(grasp_affordance.__file__).parent
    for path in root.rglob("*.py"):
        if path.name == "console.py":
            continue
        imported = [
            node.module
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom)
        ]
        assert "rich.table" not in imported, path
