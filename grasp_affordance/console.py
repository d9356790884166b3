"""Where commands and demonstrations print: the log, and tables that fit without a terminal too."""

import logging
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

_WIDTH = 150  # characters, where the output is no terminal
_BARS = " ▁▂▃▄▅▆▇█"


def wide_console() -> Console:
    """Return a console of the terminal's width, or of 150 characters where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


def log_to_stderr() -> None:
    """Send what the package has to say to stderr, and of its libraries what matters."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("OpenGL").setLevel(logging.WARNING)  # else it tells what it does without


class ReportTable(Table):
    """A table of which nothing is ever cut: what does not fit goes on in the next line."""

    def __init__(self, *headers: str, **options: Any) -> None:
        super().__init__(*headers, box=box.SIMPLE_HEAD, **options)

    def add_column(self, *header: Any, **options: Any) -> None:
        """Add a column; the options are those of rich."""
        super().add_column(*header, **{**options, "overflow": "fold"})

    def add_row(self, *cells: Any, **options: Any) -> None:
        """Add a row; columns that are missing are added too."""
        while len(self.columns) < len(cells):
            self.add_column()
        super().add_row(*cells, **options)


def text_curve(shares: Sequence[float], width: int = 64, height: int = 6) -> str:
    """Return a curve of shares in [0, 1] in block characters, for a terminal.

    Args:
        shares: at equal steps.
        width, height: characters at most of the curve itself.
    """
    count = min(width, len(shares))
    chosen = [shares[(2 * n + 1) * len(shares) // (2 * count)] for n in range(count)]
    full = len(_BARS) - 1
    lines = []
    for row in reversed(range(height)):
        levels = (round(full * min(max(share * height - row, 0.0), 1.0)) for share in chosen)
        label = {height: "100 %", height // 2: "50 %"}.get(row + 1, "")
        lines.append(f"{label:>5} │{''.join(_BARS[level] for level in levels)}")
    return "\n".join([*lines, f"{'0 %':>5} └{'─' * count} {len(shares)}"])
