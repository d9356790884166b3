"""Where the log of a command goes."""

import logging


def log_to_stderr() -> None:
    """Send what the package has to say to stderr, and of its libraries what matters."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("OpenGL").setLevel(logging.WARNING)  # else it tells what it does without
