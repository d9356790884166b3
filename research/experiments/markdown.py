"""What experiments found, in Markdown, as docs/results.md shows it."""

import re
from collections.abc import Sequence

import numpy as np

from grasp_affordance.evaluation.provenance import machine_text
from grasp_affordance.evaluation.records import Clearance
from grasp_affordance.evaluation.summary import statistics_of
from grasp_affordance.evaluation.tables import causes_text, percent
from grasp_affordance.learning.curve import LEVELS
from grasp_affordance.learning.probabilities import expected_calibration_error
from research.experiments.numbers import over_seeds, plain, points, reached, span
from research.experiments.references import POLICIES, TEST
from research.experiments.results import (
    ALL,
    FIRST,
    LAST,
    ArmRun,
    ExperimentResults,
    causes_of,
    level_attempts,
)
from research.report.markdown import Report, difference, markdown_table, rate, scene_order

# Success of the paper's robot after 2,000 attempts: table II, and table I for the training scene.
PUBLISHED = {"train": "97.56 %", "test1": "96.62 %", "test2": "79.05 %", "test3": "85.11 %"}
_BESIDE_THE_PAPER = ("generalisation", "paper", "paper_imagenet")


def learning(experiments: Sequence[ExperimentResults]) -> str:
    """Return the part on learning: a section for each experiment with finished runs."""
    return "\n\n".join(section(results) for results in experiments)


def section(results: ExperimentResults) -> str:
    """Return the section of one experiment."""
    definition = results.definition
    parts = [
        f"### {definition.title}",
        definition.question,
        _sources(results),
        f"![{definition.title}](images/{picture_name(results.name)})",
        success_table(results),
        "Calibration, time and failures:",
        details_table(results),
    ]
    if any(results.reference_arm(arm) for arm in results.runs):
        parts += ["What each arm changes, over the same seeds:", differences_table(results)]
    if any(run.tests for runs in results.runs.values() for run in runs):
        parts += ["The weights at the end, evaluated without learning:", evaluation_table(results)]
    return "\n\n".join(parts)


def picture_name(experiment: str) -> str:
    """Return the file name of an experiment's learning curves."""
    return f"learning_{experiment}.png"


def success_table(results: ExperimentResults) -> str:
    """Return success while learning: a row per arm, beside prior and oracle in the same piles."""
    header = [
        "arm",
        "cell",
        "seeds",
        "attempts",
        "first 100",
        "prior there",
        "last 100",
        "prior there",
        "oracle there",
        "share of oracle",
        "all",
        *(f"≥ {level:.0%} after".replace("%", " %") for level in LEVELS),
    ]
    rows = [_success_row(results, arm, runs) for arm, runs in results.runs.items()]
    return markdown_table(header, rows)


def details_table(results: ExperimentResults) -> str:
    """Return what else is known of the learning: a row per arm."""
    header = [
        "arm",
        "ECE",
        "ECE, seeds pooled",
        "Brier",
        "exploratory",
        "sensed wrongly",
        "seconds / attempt",
        "of these learning",
        "causes of failure",
    ]
    return markdown_table(header, [_details_row(arm, runs) for arm, runs in results.runs.items()])


def differences_table(results: ExperimentResults) -> str:
    """Return each arm minus its reference, in points, over the seeds that both have."""
    header = ["arm", "what differs", "flags", "against", "seeds", "first 100", "last 100", "all"]
    rows = []
    for arm, runs in results.runs.items():
        reference = results.reference_arm(arm)
        if reference is None:
            continue
        others = {run.seed: run for run in results.runs[reference]}
        pairs = [(run, others[run.seed]) for run in runs if run.seed in others]
        what = results.arm(arm)
        flags = f"`{what.flags}`" if what.flags else ""
        compared = [points(pairs, part) for part in (FIRST, LAST, ALL)]
        rows.append([arm, what.text, flags, reference, str(len(pairs)), *compared])
    return markdown_table(header, rows)


def evaluation_table(results: ExperimentResults) -> str:
    """Return the evaluations of the weights: a row per scene and arm, seeds pooled."""
    beside = results.name in _BESIDE_THE_PAPER
    header = [
        "scene",
        "arm",
        "seeds",
        "attempts",
        "success rate",
        "over seeds",
        "prior",
        "minus prior, same piles",
        "prior, abstaining",
        "minus that",
        "oracle",
        "share of oracle",
        "completion",
        "of the prior, abstaining",
        *(["the paper, published"] if beside else []),
    ]
    scenes = scene_order(
        [{"scene": s} for runs in results.runs.values() for run in runs for s in run.tests]
    )
    rows = [
        [*row, *([PUBLISHED.get(scene, "–")] if beside else [])]
        for scene in scenes
        for arm in results.runs
        if (row := _test_row(results, arm, scene)) is not None
    ]
    return markdown_table(header, rows)


def _success_row(results: ExperimentResults, arm: str, runs: Sequence[ArmRun]) -> list[str]:
    first, last = ([run.share(part) for run in runs] for part in (FIRST, LAST))
    oracle = results.live("oracle", arm, LAST)
    levels = level_attempts(runs)
    return [
        arm,
        results.arm(arm).cell,
        str(len(runs)),
        span([len(run.rows) for run in runs]),
        over_seeds(first),
        over_seeds(results.live("prior", arm, FIRST)),
        over_seeds(last),
        over_seeds(results.live("prior", arm, LAST)),
        over_seeds(oracle),
        over_seeds([a / b for a, b in zip(last, oracle, strict=True)]),
        over_seeds([float(run.success.mean()) for run in runs]),
        *(reached(levels[level]) for level in LEVELS),
    ]


def _details_row(arm: str, runs: Sequence[ArmRun]) -> list[str]:
    predicted = [[row.probability for row in run.rows] for run in runs]
    success = [run.success for run in runs]
    errors = [expected_calibration_error(p, s) for p, s in zip(predicted, success, strict=True)]
    briers = [
        float(np.mean((np.array(p) - s) ** 2)) for p, s in zip(predicted, success, strict=True)
    ]
    rows = [row for run in runs for row in run.rows]
    learning = sum(row.learning_seconds for row in rows) / len(rows)
    pooled = expected_calibration_error(np.concatenate(predicted), np.concatenate(success))
    return [
        arm,
        plain(errors),
        f"{pooled:.3f}",
        plain(briers),
        percent(sum(row.exploratory for row in rows) / len(rows)),
        percent(
            sum(r.outcome in ("success", "failure") and r.outcome != r.true_outcome for r in rows)
            / len(rows)
        ),
        f"{sum(row.wall_seconds for row in rows) / len(rows):.2f}",
        f"{learning:.2f}",
        causes_text({"causes": causes_of(runs)}, count=4),
    ]


def _test_row(results: ExperimentResults, arm: str, scene: str) -> list[str] | None:
    runs = [run for run in results.runs[arm] if scene in run.tests]
    if not runs:
        return None
    ours = _pooled([run.tests[scene] for run in runs])
    total = statistics_of(list(map(Clearance.from_json, ours["clearances"])))
    prior, cautious, oracle = (
        _pooled([results.test(policy, arm, scene, run.seed) for run in runs])
        for policy in POLICIES[TEST]
    )
    rates = [run.tests[scene]["total"]["success_rate"] for run in runs]
    return [
        scene,
        arm,
        str(len(runs)),
        str(total["attempts"]),
        rate(total),
        over_seeds([np.nan if each is None else each for each in rates]),
        _rate_of(prior),
        difference(ours, prior if prior["clearances"] else None),
        _rate_of(cautious),
        difference(ours, cautious if cautious["clearances"] else None),
        _rate_of(oracle),
        _share(total["success_rate"], oracle),
        percent(total["completion"]),
        _completion_of(cautious),
    ]


def _pooled(reports: Sequence[Report | None]) -> Report:
    """Return the clearances of several seeds together."""
    return {"clearances": [each for r in reports if r is not None for each in r["clearances"]]}


def _rate_of(report: Report) -> str:
    clearances = list(map(Clearance.from_json, report["clearances"]))
    return rate(statistics_of(clearances) if clearances else None)


def _completion_of(report: Report) -> str:
    clearances = list(map(Clearance.from_json, report["clearances"]))
    return percent(statistics_of(clearances)["completion"]) if clearances else "–"


def _share(success: float | None, oracle: Report) -> str:
    attempts = sum(each["attempts"] for each in oracle["clearances"])
    successes = sum(each["successes"] for each in oracle["clearances"])
    return percent(success / (successes / attempts) if success is not None and successes else None)


def _sources(results: ExperimentResults) -> str:
    runs = [run for each in results.runs.values() for run in each]
    provenances = [run.summary["provenance"] for run in runs]
    revisions = sorted({each for p in provenances for each in p["revisions"]})
    machines = sorted({machine_text(p["machine"]) for p in provenances})
    total = sum(len(run.rows) for run in runs)
    single = len({run.seed for run in runs}) == 1
    one = " **A single seed: an indication, not a result.**" if single else ""
    return (
        f"{_commands(results)}: {len(runs)} runs, {total} attempts; "
        f"revisions {', '.join(revisions)}; {'; '.join(machines)}.{one}"
    )


def _commands(results: ExperimentResults) -> str:
    """Return what makes these runs: a command for all arms of as many attempts and seeds."""
    groups: dict[str, list[str]] = {}
    for arm, runs in results.runs.items():
        attempts, seeds = max(len(run.rows) for run in runs), [run.seed for run in runs]
        device = re.search(r"--device \S+", runs[0].summary["flags"])
        flags = f"--attempts {attempts} --seeds {min(seeds)}:{max(seeds) + 1}"
        groups.setdefault(" ".join([flags, *([device[0]] if device else [])]), []).append(arm)
    commands = []
    for flags, arms in groups.items():
        some = set(arms) != set(results.definition.arms)
        chosen = f" --arms {' '.join(arms)}" if some else ""
        commands.append(f"`python -m research experiment {results.name} {flags}{chosen}`")
    return " and ".join(commands)
