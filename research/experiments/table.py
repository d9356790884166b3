"""What an experiment found, as a published table: a row per arm, seeds together."""

from collections.abc import Sequence

import numpy as np

from grasp_affordance.evaluation.provenance import machine_text
from grasp_affordance.evaluation.tables import percent
from grasp_affordance.learning.curve import LEVELS
from grasp_affordance.learning.probabilities import expected_calibration_error
from research.experiments.results import FIRST, LAST, ArmRun, Array, ExperimentResults
from research.tables import Table

_NOTE = "Mean and standard deviation over seeds; attempts to a level as median (lowest to highest)."


def table_of(results: ExperimentResults) -> Table:
    """Return the table of an experiment's finished runs."""
    runs = [run for each in results.runs.values() for run in each]
    scenes = list(dict.fromkeys(scene for run in runs for scene in run.tests))
    seeds = sorted({run.seed for run in runs})
    provenances = [run.summary["provenance"] for run in runs]
    columns = ["arm", "what differs", "seeds", "attempts", "first 100", "last 100", "all"]
    columns += [f"{100 * level:.0f} % after" for level in LEVELS] + ["ECE"]
    columns += [f"then {scene}: success / objects" for scene in scenes]
    return Table(
        results.definition.title,
        _command(results, runs, seeds),
        f"{seeds[0]}:{seeds[-1] + 1}",
        ", ".join(sorted({each for p in provenances for each in p["revisions"]})),
        "; ".join(sorted({machine_text(p["machine"]) for p in provenances})),
        columns,
        [_row(results, arm, runs, scenes) for arm, runs in results.runs.items()],
        _NOTE + (" A single seed: an indication, not a result." if len(seeds) == 1 else ""),
    )


def _row(
    results: ExperimentResults, arm: str, runs: Sequence[ArmRun], scenes: Sequence[str]
) -> list[str]:
    errors = [
        expected_calibration_error([row.probability for row in run.rows], run.success)
        for run in runs
    ]
    counts = {len(run.rows) for run in runs}
    return [
        arm,
        results.arm(arm).text,
        str(len(runs)),
        "–".join(map(str, sorted({min(counts), max(counts)}))),
        over_seeds([run.share(FIRST) for run in runs]),
        over_seeds([run.share(LAST) for run in runs]),
        over_seeds([float(run.success.mean()) for run in runs]),
        *(reached([run.attempts_to(level) for run in runs]) for level in LEVELS),
        f"{np.mean(errors):.3f}",
        *(_test(runs, scene) for scene in scenes),
    ]


def over_seeds(values: Sequence[float]) -> str:
    """Return mean and standard deviation over seeds in percent."""
    known: Array = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not known.size:
        return "–"
    spread = f" ± {100 * known.std(ddof=1):.1f}" if known.size > 1 else ""
    return f"{100 * known.mean():.1f}{spread} %"


def reached(attempts: Sequence[int | None]) -> str:
    """Return median and range of the attempts to a level, and how many runs reached it."""
    known = [each for each in attempts if each is not None]
    if not known:
        return "never"
    spread = f" ({min(known)}–{max(known)})" if len(known) > 1 else ""
    missing = "" if len(known) == len(attempts) else f", {len(known)} of {len(attempts)}"
    return f"{np.median(known):.0f}{spread}{missing}"


def _test(runs: Sequence[ArmRun], scene: str) -> str:
    totals = [run.tests[scene]["total"] for run in runs if scene in run.tests]
    attempts, successes, placed, objects = (
        sum(total[name] for total in totals)
        for name in ("attempts", "successes", "placed", "objects")
    )
    if not attempts:
        return "–"
    return f"{percent(successes / attempts)} of {attempts} / {percent(placed / objects)}"


def _command(results: ExperimentResults, runs: Sequence[ArmRun], seeds: Sequence[int]) -> str:
    attempts = max(len(run.rows) for run in runs)
    arms = list(results.runs)
    chosen = f" --arms {' '.join(arms)}" if set(arms) != set(results.definition.arms) else ""
    flags = f"--attempts {attempts} --seeds {seeds[0]}:{seeds[-1] + 1}{chosen}"
    return f"python -m research experiment {results.name} {flags}"
