"""The named experiments mean what they say, and their runs are kept, resumed and never mixed."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation.fake_pile import clear_scripted
from helpers.networks import noise_frame

from grasp_affordance.affordance.network.device import accelerator_name
from grasp_affordance.affordance.shipped import require_shipped_weights
from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.learning_rows import LearningRow, LearningTable, read_learning_rows
from grasp_affordance.evaluation.learning_run import LearningRunConfig
from grasp_affordance.evaluation.learning_store import LearningStore, run_identity
from grasp_affordance.evaluation.make_learner import LearnerOptions, make_learner
from grasp_affordance.evaluation.provenance import machine_text, revision
from grasp_affordance.evaluation.records import AttemptRow, Clearance
from grasp_affordance.evaluation.runner import RunConfig
from grasp_affordance.evaluation.sim_pile import check_cell, stacks_of
from grasp_affordance.evaluation.store import file_digest, read_report, write_json
from grasp_affordance.folder_lock import BusyError, FolderLock
from grasp_affordance.models import load_model
from grasp_affordance.papers.encoder import LITE0
from research.commands.experiment import run as run_command
from research.experiments.arms import EXPERIMENTS, experiment
from research.experiments.run import LearnJob, begun, jobs_of


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_arms_of_an_experiment_exist_and_differ(name: str) -> None:
    each = EXPERIMENTS[name]
    for scene in (each.scene, *each.tests):
        stacks_of(scene)
    arms = [(arm.cell, arm.options) for arm in each.arms.values()]
    for number, (cell, options) in enumerate(arms):
        check_cell(cell)
        assert isinstance(options, LearnerOptions)
        assert (cell, options) not in arms[:number]


def test_an_ablation_takes_away_what_its_name_says() -> None:
    arms = EXPERIMENTS["ablations"].arms
    default = LearnerOptions()
    assert arms["default"].options == default
    assert not arms["no_prior"].options.prior
    learner = {name: arm.options.trainer.learner for name, arm in arms.items()}
    assert not learner["no_color"].network.use_color
    assert learner["one_member"].network.members == 1
    assert arms["no_abstention"].options.min_probability == 0
    changed = replace(default.trainer.learner, bootstrap=1.0)
    assert learner["no_bootstrap"] == changed


def test_the_papers_arms_are_those_of_figures_5_to_7() -> None:
    papers = {name: arm.options.paper for name, arm in EXPERIMENTS["paper"].arms.items()}
    streams = {name: str(each.network.inputs.streams) for name, each in papers.items()}
    assert streams == {"rgbd": "rgbd", "double_rgb": "rgb-rgb"} | dict.fromkeys(
        ("augmented", "pretrained"), "rgbd"
    )
    augmented = {name for name, each in papers.items() if each.augmentation}
    assert augmented == {"augmented"}
    arms = EXPERIMENTS["paper"].arms
    pretrained = {name: arm.options.pretrain.images for name, arm in arms.items()}
    assert pretrained == {**dict.fromkeys(arms, 0), "pretrained": 30}
    assert {each.network.weights for each in papers.values()} == {"random"}


def test_the_encoder_of_paper_imagenet_has_random_weights_where_the_name_says_so() -> None:
    papers = {n: arm.options.paper for n, arm in EXPERIMENTS["paper_imagenet"].arms.items()}
    assert set(EXPERIMENTS["paper"].arms) < papers.keys()
    assert {each.network.backbone for each in papers.values()} == {LITE0}
    weights = {name: each.network.weights for name, each in papers.items()}
    random = dict.fromkeys(("random", "random_fast"), "random")
    assert weights == {**dict.fromkeys(papers, "imagenet"), **random}
    assert papers["random_fast"].learning_rate == 10 * papers["random"].learning_rate


def test_an_arm_is_compared_with_the_first_of_its_cell() -> None:
    assert experiment("ablations").reference("no_color") == "default"
    assert experiment("ablations").reference("default") is None
    assert experiment("prior").reference("realistic") is None
    with pytest.raises(ConfigError, match="scratch"):
        experiment("nonsense")


def test_the_jobs_are_every_arm_of_every_seed(tmp_path: Path) -> None:
    jobs = jobs_of("prior", EXPERIMENTS["prior"], range(2), tmp_path / "r", tmp_path / "w")
    assert len({job.name for job in jobs}) == len(jobs)
    assert [(job.arm, job.config.seed) for job in jobs] == [
        ("ideal", 0),
        ("realistic", 0),
        ("ideal", 1),
        ("realistic", 1),
    ]
    assert not begun(jobs)


def test_another_device_changes_every_arm_and_no_run() -> None:
    """What was learned on a GPU may go on, and be tested, without one."""
    there = EXPERIMENTS["paper"].on("cuda")
    assert there.arms.keys() == EXPERIMENTS["paper"].arms.keys()
    config = LearningRunConfig()
    for name, arm in EXPERIMENTS["paper"].arms.items():
        assert there.arms[name].options == replace(arm.options, device="cuda")
        assert run_identity(config, there.arms[name].options) == run_identity(config, arm.options)
    assert EXPERIMENTS["paper"].on("cpu") == EXPERIMENTS["paper"]


def test_a_learner_that_begins_with_the_shipped_weights_predicts_as_they_do(tmp_path: Path) -> None:
    options = EXPERIMENTS["adverse"].arms["shipped"].options
    policy = make_learner(options, 3, tmp_path / "run")
    policy.export(tmp_path / "first.safetensors")
    first, shipped = (
        load_model(tmp_path / "first.safetensors"),
        load_model(require_shipped_weights()),
    )
    frame = noise_frame(240, 320)
    prior = np.full(frame.shape, 0.5, np.float32)
    ours, theirs = (model.predict(frame, prior=prior) for model in (first, shipped))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_device_that_is_not_there_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="device 'nonsense'"):
        run_command("prior", device="nonsense", raw=tmp_path / "r", work=tmp_path / "w")
    with pytest.raises(ConfigError, match="device 'nonsense'"):
        make_learner(LearnerOptions(device="nonsense"), 0, tmp_path / "default")
    assert not (tmp_path / "r").exists()


def test_a_machine_is_named_with_its_gpu() -> None:
    assert accelerator_name("cpu") is None
    machine = {"processor": "Some CPU", "cores": 2, "system": "Linux"}
    assert machine_text(machine) == "Some CPU, 2 cores"
    assert machine_text({**machine, "accelerator": "Some GPU"}) == "Some CPU, 2 cores, Some GPU"


def test_a_folder_that_is_worked_on_is_refused(tmp_path: Path) -> None:
    with FolderLock(tmp_path / "results"), pytest.raises(BusyError):
        job(tmp_path, 1).run()


def job(folder: Path, attempts: int, **changes: object) -> LearnJob:
    config = LearningRunConfig("rows", "ideal", attempts, 0)
    whole = LearnJob("tiny", "arm", "", config, folder / "results", folder / "work")
    return replace(whole, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two attempts."""
    folder = tmp_path_factory.mktemp("finished")
    job(folder, 2).run()
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    return shutil.copytree(finished, tmp_path / "run")


def facts(folder: Path) -> Sequence[object]:
    """What two equal runs have in common: everything but durations."""
    rows = read_learning_rows(folder / "results" / "attempts.csv")
    return [
        (row.number, row.pile, row.u, row.v, row.probability, row.outcome, row.version)
        for row in rows
    ]


def test_a_finished_run_is_kept_and_goes_on_when_asked_for_more(run: Path) -> None:
    results = run / "results"
    assert job(run, 2).progress() == (2, 2)
    assert {path.name for path in results.glob("[!.]*")} == {"attempts.csv", "summary.json"}
    kept = {path: path.stat().st_mtime_ns for path in results.iterdir()}
    job(run, 2).run()
    assert {path: path.stat().st_mtime_ns for path in results.iterdir()} == kept
    first = facts(run)
    job(run, 3).run()
    assert facts(run)[:2] == first
    assert len(facts(run)) == 3
    summary = json.loads((results / "summary.json").read_text())
    assert summary["figures"]["attempts"] == 3


def test_a_finished_run_of_other_options_is_refused_and_untouched(run: Path) -> None:
    before = facts(run)
    with pytest.raises(ConfigError, match=r"different: learner\.trainer\.learner\.steps"):
        job(run, 3, flags="--trainer.learner.steps 1").run()
    assert facts(run) == before


class KilledError(BaseException):
    """The run is interrupted here."""


def killed_before_row(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupt a run when it has learned from an attempt, but not written its row."""
    append = LearningTable.append

    def append_or_die(table: LearningTable, row: LearningRow) -> LearningRow:
        if row.number == number:
            raise KilledError
        return append(table, row)

    monkeypatch.setattr(LearningTable, "append", append_or_die)


def test_a_run_names_every_revision_that_worked_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_at(commit: str) -> LearningStore:
        at = "grasp_affordance.evaluation.learning_store.revision"
        monkeypatch.setattr(at, lambda: commit)
        return LearningStore(tmp_path, LearningRunConfig(), LearnerOptions(), resume=True)

    for commit in ("one", "another"):
        with open_at(commit):
            pass
    with open_at("one") as store:
        store.finish([], make_learner(LearnerOptions(), 0, store.weights))
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["provenance"]["revisions"] == ["one", "another"]
    assert summary["run"] == run_identity(LearningRunConfig(), LearnerOptions())


def test_a_run_that_was_begun_before_revisions_were_kept_says_so(tmp_path: Path) -> None:
    identity = run_identity(LearningRunConfig(), LearnerOptions())
    write_json(tmp_path / "run.json", identity)
    LearningStore(tmp_path, LearningRunConfig(), LearnerOptions(), resume=True)
    kept = json.loads((tmp_path / "run.json").read_text())
    assert kept == {**identity, "revisions": ["unknown", revision()]}


def test_an_interrupted_run_goes_on_and_loses_no_more_than_the_row_it_was_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_before_row(2, monkeypatch)
    with pytest.raises(KilledError):
        job(tmp_path, 4).run()
    monkeypatch.undo()
    assert not (tmp_path / "results" / "summary.json").exists()
    before = facts(tmp_path)
    job(tmp_path, 4).run()
    rows = read_learning_rows(tmp_path / "results" / "attempts.csv")
    assert [row.number for row in rows] == [0, 1, 3]
    assert facts(tmp_path)[:2] == before
    finished = (tmp_path / "results" / "summary.json").stat().st_mtime_ns
    job(tmp_path, 4).run()
    assert (tmp_path / "results" / "summary.json").stat().st_mtime_ns == finished


def test_rows_that_were_removed_are_missed_not_invented(run: Path) -> None:
    shutil.rmtree(run / "results")
    with pytest.raises(ConfigError, match="remove both folders"):
        job(run, 3).run()


def test_a_run_that_begins_anew_is_not_finished_before_it_has_learned(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(run / "work")  # as in a fresh clone: only results are kept there
    monkeypatch.setattr("research.experiments.run.clear_simulated_pile", clear_scripted)
    killed_before_row(1, monkeypatch)
    with pytest.raises(KilledError):
        job(run, 2, tests={"test1": 1}).run()
    assert len(facts(run)) == 1
    assert not (run / "results" / "summary.json").exists()


def test_a_run_that_is_refused_keeps_its_summary(run: Path) -> None:
    identity = run / "work" / "run.json"
    identity.write_text(identity.read_text().replace('"rows"', '"columns"'))
    with pytest.raises(ConfigError, match="different: scene"):
        job(run, 3).run()
    assert (run / "results" / "summary.json").exists()


def test_tests_that_a_kill_left_unfinished_do_not_outlive_their_weights(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleared: list[int] = []

    def clear(config: RunConfig, seed: int, index: int) -> tuple[Clearance, list[AttemptRow]]:
        if cleared == [0]:
            raise KilledError
        cleared.append(index)
        return clear_scripted(config, seed, index)

    monkeypatch.setattr("research.experiments.run.clear_simulated_pile", clear)
    tested = {"test1": 2}
    with pytest.raises(KilledError):
        job(run, 2, tests=tested).run()
    monkeypatch.setattr("research.experiments.run.clear_simulated_pile", clear_scripted)
    job(run, 3, tests=tested).run()
    report = read_report(run / "results" / "test1.json")
    assert len(report["clearances"]) == 2
    assert report["identity"]["weights"] == file_digest(job(run, 3).weights)


def test_weights_are_tested_once_and_anew_when_they_have_learned_since(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleared: list[tuple[str, int]] = []

    def clear(config: RunConfig, seed: int, index: int) -> tuple[Clearance, list[AttemptRow]]:
        cleared.append((config.scene, index))
        return clear_scripted(config, seed, index)

    monkeypatch.setattr("research.experiments.run.clear_simulated_pile", clear)
    tested = {"test1": 2}
    job(run, 2, tests=tested).run()
    job(run, 2, tests=tested).run()
    assert cleared == [("test1", 0), ("test1", 1)]
    assert job(run, 2, tests=tested).progress() == (42, 42)
    report = run / "results" / "test1.json"
    before = read_report(report)["identity"]["weights"]
    job(run, 3, tests=tested).run()
    assert len(cleared) == 4
    assert read_report(report)["identity"]["weights"] != before
