"""Published tables: one small JSON file each, and the pages that show them.

A file holds what a reader needs to have the figures again: command, seeds, revision, machine. A
page shows the table `results/NAME.json` between the lines

    <!-- table: NAME -->
    <!-- end of NAME -->
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from grasp_affordance.errors import ConfigError
from grasp_affordance.files import write_atomically

_PART = re.compile(r"<!-- table: (\S+) -->.*?<!-- end of \1 -->", re.DOTALL)


@dataclass(frozen=True)
class Table:
    """One published table.

    Attributes:
        title: what it shows, in a few words.
        command: that measures it.
        seeds: of the runs, such as `0:5`.
        revision: commit of the code that was measured.
        machine: processor, cores, accelerator.
        columns: headings.
        rows: a text or number per column.
        note: what a reader must know to read it; one sentence.
    """

    title: str
    command: str
    seeds: str
    revision: str
    machine: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | float | int]]
    note: str = ""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ConfigError(f"table '{self.title}': a row has not {len(self.columns)} cells")

    def markdown(self) -> str:
        """Return the table with its source below it."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        table = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
        source = f"`{self.command}`; seeds {self.seeds}; revision {self.revision}; {self.machine}."
        return "\n\n".join(filter(None, [table, self.note, f"<sub>{source}</sub>"]))


def write_table(path: Path, table: Table) -> None:
    """Write a table atomically."""
    text = json.dumps(asdict(table), indent=1, ensure_ascii=False)
    write_atomically(path, (text + "\n").encode())


def read_table(path: Path) -> Table:
    """Read a table.

    Raises:
        ConfigError: the file is missing or is no table.
    """
    try:
        return Table(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} is no table: {error}") from error


def fill(page: str, folder: Path) -> str:
    """Return the text of a page with every table as it is in `folder`.

    Raises:
        ConfigError: a table that the page names is missing.
    """

    def part(match: re.Match[str]) -> str:
        name = match[1]
        table = read_table(folder / f"{name}.json")
        return f"<!-- table: {name} -->\n\n{table.markdown()}\n\n<!-- end of {name} -->"

    return _PART.sub(part, page)
