"""The command in the simulated cell, and what it says to bad input."""

import json
from pathlib import Path

import numpy as np
import pytest

from grasp_affordance.affordance.candidates import ABSTAIN_BELOW
from grasp_affordance.affordance.shipped import require_shipped_weights
from grasp_affordance.cli import main
from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.make_policy import NAMES, make_policy, threshold_of
from grasp_affordance.evaluation.protocol import ProtocolConfig
from grasp_affordance.evaluation.records import AttemptRow
from grasp_affordance.evaluation.sim_pile import clear_present, stacks_of
from grasp_affordance.evaluation.store import file_digest
from grasp_affordance.execution.continuous import ContinuousConfig
from grasp_affordance.policies.policy import View
from grasp_affordance.sim import Hardness, SimCell, SimConfig
from grasp_affordance.sim.piles.stacks import FAMILIES, FULL, TRAINING

GOOD = {"--policy": "highest", "--scene": "train", "--hardness": "ideal", "--seeds": "0:1"}


def look(cell: SimCell) -> View:
    camera = cell.camera
    return View(camera.read(), camera.pose(), cell.bin, cell.cup, np.random.default_rng(0))


def arguments(output: Path, **changes: str) -> list[str]:
    options = {**GOOD, "--output": str(output), **{f"--{k}": v for k, v in changes.items()}}
    return ["evaluate", *(text for pair in options.items() for text in pair)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"policy": "guess"}, ["policy 'guess'", "prior", "oracle"]),
        ({"scene": "moon"}, ["scene 'moon'", "train", "heldout", "test3"]),
        ({"hardness": "hard"}, ["hardness 'hard'", "ideal", "realistic", "adverse"]),
        ({"seeds": "5:2"}, ["seeds '5:2'"]),
        ({"clearances": "0"}, ["nothing to do"]),
        ({"weights": "w.safetensors"}, ["no weights"]),
        ({"protocol.continuous.failure-cap": "0"}, ["failure_cap 0"]),
    ],
)
def test_bad_input_is_one_clear_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    words: list[str],
) -> None:
    try:
        status = main(arguments(tmp_path / "r.json", **changes))
    except SystemExit as exit_:  # tyro refuses what a dataclass refuses
        status = int(exit_.code or 0)
    captured = capsys.readouterr()
    said = captured.err + captured.out
    assert status != 0
    assert all(word in said for word in words), said
    assert "Traceback" not in said
    assert not (tmp_path / "r.json").exists()


def test_mixed_scenes_take_their_stack_types_in_turn() -> None:
    assert tuple(stacks_of("train")) == TRAINING
    assert tuple(stacks_of("heldout")) == FAMILIES
    assert stacks_of("test2") == ("test2",)
    assert set(stacks_of("all")) == {*TRAINING, *FAMILIES, FULL}


def test_an_oracle_needs_a_simulator() -> None:
    with pytest.raises(ConfigError, match="simulator"):
        make_policy("oracle")


def test_every_listed_policy_of_a_real_cell_can_be_made() -> None:
    for name in set(NAMES) - {"oracle", "learned"}:
        assert make_policy(name).name == name


def test_the_abstaining_prior_offers_what_the_prior_does_but_for_the_unlikely() -> None:
    prior, abstaining = (make_policy(name) for name in ("prior", "prior_abstaining"))
    with SimCell(SimConfig(scene="irregular", seed=0, objects=3)) as cell:
        view = look(cell)
        offered = abstaining.choose(view).points
        all_points = prior.choose(view).points
    likely = [point for point in all_points if point.probability >= ABSTAIN_BELOW]
    assert 0 < len(offered) < len(all_points)
    assert [(p.u, p.v) for p in offered] == [(p.u, p.v) for p in likely]


def test_a_policy_has_a_threshold_of_its_own_unless_another_is_asked_for() -> None:
    assert threshold_of("prior") == threshold_of("oracle") == threshold_of("oracle", 0.5) == 0.0
    assert threshold_of("learned") == threshold_of("prior_abstaining") == ABSTAIN_BELOW
    assert threshold_of("prior", 0.5) == threshold_of("learned", 0.5) == 0.5
    assert threshold_of("learned", 0.0) == 0.0


def test_a_short_run_in_the_simulated_cell_reports_all_it_did(tmp_path: Path) -> None:
    output = tmp_path / "r.json"
    cap = {"protocol.continuous.failure-cap": "1", "clearances": "1"}
    assert main([*arguments(output, policy="prior", **cap), "--rows"]) == 0
    report = json.loads(output.read_text())
    assert (report["policy"], report["scene"], report["cell"]) == ("prior", "train", "ideal")
    total = report["total"]
    assert total["objects"] == 20
    assert total["attempts"] + total["refusals"] + total["abstentions"] >= 1
    assert total["placed"] + total["left"] + total["lost"] == total["objects"]
    assert output.with_suffix(".csv").exists()


def test_weights_called_shipped_are_the_default(tmp_path: Path) -> None:
    quick = {
        "scene": "rows",
        "clearances": "1",
        "protocol.continuous.failure-cap": "1",
        "policy": "learned",
    }
    digests = []
    for name, named in (("named", {"weights": "shipped"}), ("default", {})):
        output = tmp_path / f"{name}.json"
        assert main(arguments(output, **quick, **named)) == 0
        digests.append(json.loads(output.read_text())["identity"]["weights"])
    assert digests == [file_digest(require_shipped_weights())] * 2


def cleared_rows(policy_name: str, seed: int) -> list[AttemptRow]:
    """Clear three objects of a small stack."""
    with SimCell(
        SimConfig(scene="random", hardness=Hardness.REALISTIC, seed=seed, objects=3)
    ) as cell:
        policy = make_policy(policy_name, truth=cell.oracle)
        rules = ProtocolConfig(ContinuousConfig(failure_cap=2))
        return clear_present(cell, policy, np.random.default_rng(seed), rules)[1]


def test_a_seed_gives_the_same_attempts_again() -> None:
    first, second = (cleared_rows("prior", 3) for _ in range(2))
    facts = [
        [(row.u, row.v, row.x, row.z, row.outcome, row.true_cause, row.seconds) for row in rows]
        for rows in (first, second)
    ]
    assert facts[0] == facts[1]
    assert len(first) >= 3


def test_the_oracle_clears_a_sparse_bin() -> None:
    rows = cleared_rows("oracle", 5)
    assert sum(row.placed for row in rows) == 3
    assert [row.succeeded for row in rows] == [True] * 3
