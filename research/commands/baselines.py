"""`python -m research baselines`: the tables of baselines from reports of `evaluate`."""

from pathlib import Path

import tyro

from research.baselines import in_full, in_short, read_reports
from research.tables import write_table


def run(
    reports: tyro.conf.Positional[Path] = Path("output/baselines"),
    results: Path = Path("results"),
) -> None:
    """Write `baselines.json` and `baselines_in_short.json`.

    Args:
        reports: folder of what `grasp-affordance evaluate --output` wrote.
        results: folder of tables.
    """
    found = read_reports(reports)
    write_table(results / "baselines.json", in_full(found))
    write_table(results / "baselines_in_short.json", in_short(found))
