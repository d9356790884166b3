"""Where demonstrations print: tables and lines must fit also where there is no terminal."""

from rich.console import Console

_WIDTH = 150  # characters, where the output is no terminal


def wide_console() -> Console:
    """Return a console of the terminal's width, or of 150 characters where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)
