"""Where commands and demonstrations print: the log, and tables that fit without a terminal too."""

import logging

from rich.console import Console

_WIDTH = 150  # characters, where the output is no terminal


def wide_console() -> Console:
    """Return a console of the terminal's width, or of 150 characters where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


def log_to_stderr() -> None:
    """Send what the package has to say to stderr, and of its libraries what matters."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("OpenGL").setLevel(logging.WARNING)  # else it tells what it does without
