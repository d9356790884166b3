"""Tables of many reports in Markdown, as docs/results.md shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from grasp_affordance.evaluation.provenance import machine_text
from grasp_affordance.evaluation.records import Clearance
from grasp_affordance.evaluation.statistics import paired_difference
from grasp_affordance.evaluation.tables import causes_text, percent, with_interval

POLICIES = (
    "random",
    "highest",
    "normal_variance",
    "prior",
    "prior_abstaining",
    "learned",
    "oracle",
    "oracle_best",
)
CELLS = ("ideal", "realistic", "adverse")
REFERENCE = "prior"  # the policy with which others are compared on the same piles

_SHORT_CELLS = ("realistic", "adverse", "ideal")
_LABELS = {
    "random": "a random pixel",
    "highest": "the highest point",
    "normal_variance": "the flattest place",
    "prior": "the seal prior",
    "prior_abstaining": "the seal prior, not below 0.3",
    "learned": "**the shipped weights**, not below 0.3",
    "oracle": "an oracle that knows the scene",
    "oracle_best": "an oracle that rehearses",
}

Report = Mapping[str, Any]


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def overview(reports: Sequence[Report], cell: str) -> str:
    """Return success rates of one cell: a row per scene, a column per policy.

    A rate on too few attempts or piles to be published carries a `*`.
    """
    found = {(r["scene"], r["policy"]): r["total"] for r in reports if r["cell"] == cell}
    policies = [name for name in POLICIES if any(policy == name for _, policy in found)]
    rows = []
    for scene in scene_order(reports):
        cells = [rate(found.get((scene, policy))) for policy in policies]
        if any(text != "–" for text in cells):
            rows.append([scene, *cells])
    return markdown_table(["scene", *policies], rows)


def in_short(reports: Sequence[Report]) -> str:
    """Return one small table of everything: `success / picked`, in percent, a row per policy.

    A column per cell and scene, the realistic cell first. A dash where nothing was measured.
    """
    found = {(r["cell"], r["scene"], r["policy"]): r["total"] for r in reports}
    places = [
        (cell, scene)
        for cell in sorted({cell for cell, _, _ in found}, key=_SHORT_CELLS.index)
        for scene in scene_order(reports)
        if any((cell, scene, policy) in found for policy in POLICIES)
    ]
    policies = [name for name in POLICIES if any(policy == name for _, _, policy in found)]
    rows = [
        [_LABELS[policy], *(_short(found.get((cell, scene, policy))) for cell, scene in places)]
        for policy in policies
    ]
    header = [scene if cell == "realistic" else f"{scene}, {cell} cell" for cell, scene in places]
    return markdown_table(["picks by", *header], rows)


def _short(figures: Mapping[str, Any] | None) -> str:
    if figures is None or figures["success_rate"] is None:
        return "–"
    return f"{100 * figures['success_rate']:.1f} / {100 * figures['completion']:.0f}"


def details(reports: Sequence[Report], cell: str) -> str:
    """Return everything else of one cell: a row per scene and policy."""
    header = [
        "scene",
        "policy",
        "seeds",
        "piles cleared",
        "attempts",
        "success rate",
        "over seeds",
        f"minus {REFERENCE}, same piles",
        "cleared / attempt",
        "completion",
        "picks / h",
        "lifted : placed",
        "sensed wrongly",
        "causes of failure",
    ]
    rows = [_detail(report, _reference(reports, report)) for report in _of_cell(reports, cell)]
    return markdown_table(header, rows)


def per_stack(reports: Sequence[Report], cell: str, scene: str) -> str:
    """Return the success rates of one scene by stack type: a row per type, a column per policy."""
    chosen = [r for r in _of_cell(reports, cell) if r["scene"] == scene]
    stacks = dict.fromkeys(stack for report in chosen for stack in report["per_stack"])
    rows = [[stack, *(rate(r["per_stack"].get(stack)) for r in chosen)] for stack in stacks]
    return markdown_table(["stack", *(report["policy"] for report in chosen)], rows)


def sources(reports: Sequence[Report]) -> str:
    """Return one sentence on the revisions and machines behind the reports."""
    revisions = sorted({each for r in reports for each in r["provenance"]["revisions"]})
    machines = {machine_text(report["provenance"]["machine"]) for report in reports}
    attempts = sum(report["total"]["attempts"] for report in reports)
    return (
        f"{len(reports)} runs, {attempts} attempts; revisions {', '.join(revisions)}; "
        f"{'; '.join(sorted(machines))}."
    )


def scene_order(reports: Sequence[Report]) -> list[str]:
    """Return the scenes of the reports in the order in which they are shown."""
    names = {report["scene"] for report in reports}
    first = [name for name in ("train", "test1", "test2", "test3", "heldout") if name in names]
    return first + sorted(names - set(first))


def _of_cell(reports: Sequence[Report], cell: str) -> list[Report]:
    scenes = scene_order(reports)

    def order(report: Report) -> tuple[int, int]:
        policy = report["policy"]
        known = POLICIES.index(policy) if policy in POLICIES else len(POLICIES)
        return scenes.index(report["scene"]), known

    return sorted((report for report in reports if report["cell"] == cell), key=order)


def rate(figures: Mapping[str, Any] | None) -> str:
    """Return a success rate with its interval, and a `*` where it rests on too little."""
    if figures is None or figures["success_rate"] is None:
        return "–"
    text = with_interval(figures["success_rate"], figures["success_rate_interval"])
    return text if figures["publishable"] else f"{text} *"


def _reference(reports: Sequence[Report], report: Report) -> Report | None:
    same = [
        other
        for other in reports
        if (other["scene"], other["cell"]) == (report["scene"], report["cell"])
        and other["policy"] == REFERENCE != report["policy"]
    ]
    return same[0] if same else None


def _detail(report: Report, reference: Report | None) -> list[str]:
    total, over_seeds = report["total"], report["spread_over_seeds"]["success_rate"]
    spread = "–" if over_seeds["std"] is None else f"± {100 * over_seeds['std']:.1f}"
    return [
        report["scene"],
        report["policy"],
        str(len(report["per_seed"])),
        f"{total['piles_cleared']}/{total['piles']}",
        str(total["attempts"]),
        rate(total),
        spread,
        difference(report, reference),
        percent(total["objects_cleared_per_attempt"]),
        with_interval(total["completion"], total["completion_interval"]),
        "–" if total["picks_per_hour"] is None else f"{total['picks_per_hour']:.0f}",
        f"{total['lifted']} : {total['placed']}",
        percent(total["disagreement_rate"]),
        causes_text(total),
    ]


def difference(report: Report, reference: Report | None) -> str:
    """Return the difference of success rates in points over the piles that both have cleared."""
    if reference is None:
        return "–"
    ours, theirs = (
        {each.key: each for each in map(Clearance.from_json, run["clearances"])}
        for run in (report, reference)
    )
    shared = sorted(set(ours) & set(theirs))
    if not shared:
        return "–"
    counts = [
        ([runs[key].successes for key in shared], [runs[key].attempts for key in shared])
        for runs in (ours, theirs)
    ]
    if not all(sum(attempts) for _, attempts in counts):
        return "–"
    first, second = (sum(successes) / sum(attempts) for successes, attempts in counts)
    interval = paired_difference(counts[0], counts[1], np.random.default_rng(0))
    return (
        f"{100 * (first - second):+.1f} ({100 * interval.low:+.1f} to {100 * interval.high:+.1f})"
    )
