"""`python -m research report`: the tables in pages from the files of results/."""

from pathlib import Path

from grasp_affordance.files import write_atomically
from research.tables import fill


def run(
    pages: tuple[Path, ...] = (
        Path("docs/results.md"),
        Path("docs/detection.md"),
        Path("README.md"),
    ),
    results: Path = Path("results"),
) -> None:
    """Write every table into the pages that name it.

    Args:
        pages: to bring up to date.
        results: folder of tables.
    """
    for page in pages:
        write_atomically(page, fill(page.read_text(), results).encode())
