"""Many clearances: in parallel processes, with progress, resumed where a run was interrupted."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from grasp_affordance.cell_description import CellDescription, set_keys
from grasp_affordance.cell_file import read_cell
from grasp_affordance.errors import ConfigError, GraspAffordanceError
from grasp_affordance.evaluation.make_policy import threshold_of
from grasp_affordance.evaluation.protocol import ProtocolConfig
from grasp_affordance.evaluation.provenance import provenance, revision
from grasp_affordance.evaluation.records import AttemptRow, Clearance
from grasp_affordance.evaluation.reliability import calibration_of
from grasp_affordance.evaluation.store import SCHEMA, Key, RunStore, file_digest
from grasp_affordance.evaluation.summary import summarise


@dataclass(frozen=True)
class RunConfig:
    """What is measured.

    Attributes:
        policy: name of a policy.
        scene: name of a scene; scenes of several stack types interleave them.
        cell: hardness of the simulated cell.
        weights: file of a learned policy's weights; None means those that it loads by itself.
        min_probability: expected success rate below which prior and learned policies abstain; None
            for the policy's own.
        protocol: rules of a clearance.
        device: on which a learned policy predicts, as torch names it.
        objects: at most this many in a pile; 0 for all of the scene.
        described: the cell that is simulated.
    """

    policy: str
    scene: str = "train"
    cell: str = "realistic"
    weights: Path | None = None
    min_probability: float | None = None
    protocol: ProtocolConfig = field(default_factory=ProtocolConfig)
    device: str = "cpu"
    objects: int = 0
    described: CellDescription = field(default_factory=lambda: read_cell("sim"))

    def identity(self) -> dict[str, Any]:
        """Return what must be equal for clearances to belong to one report, as a JSON object."""
        return {
            "policy": self.policy,
            "scene": self.scene,
            "cell": self.cell,
            "described": set_keys(self.described),
            "weights": None if self.weights is None else file_digest(self.weights),
            "min_probability": threshold_of(self.policy, self.min_probability),
            "protocol": asdict(self.protocol),
            **({"objects": self.objects} if self.objects else {}),
        }


Cleared = tuple[Clearance, list[AttemptRow]]
ClearOne = Callable[[RunConfig, int, int], Cleared]
OnCleared = Callable[[Clearance], None]


def run(
    config: RunConfig,
    seeds: Sequence[int],
    clearances: int,
    output: Path,
    clear_one: ClearOne,
    *,
    workers: int = 1,
    resume: bool = False,
    rows: bool = False,
    on_cleared: OnCleared | None = None,
) -> dict[str, Any]:
    """Clear `clearances` piles for each seed and write the report to `output`; return it.

    Args:
        config: what is measured.
        seeds: each gives its own piles; pile `i` of a seed is the same for every policy.
        clearances: piles per seed.
        output: path of the JSON report.
        clear_one: clears one pile; called as `clear_one(config, seed, index)`. With several
            workers it must be importable by its module's name.
        workers: parallel processes; 1 works in this one.
        resume: keep clearances that an earlier run of the same configuration finished. A report
            that holds all of them already stays as it is, with machine, command and calibration.
        rows: write every attempt to a CSV beside the report.
        on_cleared: called for each finished clearance, those of earlier runs included.

    Raises:
        ConfigError: nothing to do, or the output belongs to another run.
    """
    keys = [(seed, index) for seed in seeds for index in range(clearances)]
    if not keys or workers < 1:
        raise ConfigError(f"{len(keys)} clearances with {workers} workers: nothing to do")
    store = RunStore(output, config.identity(), resume)
    on_cleared = on_cleared or _ignore
    for key in keys:
        if key in store.clearances:
            on_cleared(store.clearances[key])
    todo = [key for key in keys if key not in store.clearances]
    if not todo and not rows and (report := store.finished()):
        return report
    this_revision = revision()
    for clearance, attempts in _clear_all(config, todo, clear_one, workers):
        store.add(clearance, attempts, this_revision)
        on_cleared(clearance)
    kept = sorted(set(keys) | set(store.clearances))  # more seeds than asked for stay
    report = make_report(config, [store.clearances[key] for key in kept], store.revisions)
    if all(key in store.rows for key in kept):  # else an earlier run did not keep its attempts
        report["calibration"] = calibration_of([row for key in kept for row in store.rows[key]])
    store.finish(report, kept, rows)
    return report


def make_report(
    config: RunConfig, clearances: Sequence[Clearance], revisions: set[str]
) -> dict[str, Any]:
    """Return the report of these clearances as a JSON object."""
    return {
        "schema": SCHEMA,
        "policy": config.policy,
        "scene": config.scene,
        "cell": config.cell,
        "identity": config.identity(),
        **summarise(clearances),
        "provenance": {**provenance(config.device), "revisions": sorted(revisions)},
        "clearances": [asdict(clearance) for clearance in clearances],
    }


def parse_seeds(text: str) -> range:
    """Return the seeds of `A:B`, A included and B not, as in Python; or of a single number.

    Raises:
        ConfigError: the text is of another form, or the range is empty or negative.
    """
    first, colon, last = text.partition(":")
    try:
        start = int(first)
        seeds = range(start, int(last) if colon else start + 1)
    except ValueError:
        raise ConfigError(f"seeds '{text}' are not of the form A:B, such as 0:5") from None
    if not seeds or start < 0:
        raise ConfigError(f"seeds '{text}' name no seed: A:B goes from A up to B - 1")
    return seeds


def _clear_all(
    config: RunConfig, keys: Sequence[Key], clear_one: ClearOne, workers: int
) -> Iterator[Cleared]:
    if workers == 1 or len(keys) < 2:
        for key in keys:
            yield clear_one(config, *key)
        return
    context = multiprocessing.get_context("spawn")  # a renderer does not survive a fork
    with ProcessPoolExecutor(min(workers, len(keys)), mp_context=context) as pool:
        futures = [pool.submit(clear_one, config, *key) for key in keys]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise GraspAffordanceError(
                "a worker process died, perhaps for want of memory; continue with fewer --workers "
                "and --resume: finished clearances are kept"
            ) from error
        finally:
            for future in futures:
                future.cancel()


def _ignore(_: Clearance) -> None:
    """Do nothing."""
