"""Candidates are evaluated, tried and counted as they are."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.log_scenes import CONFIG, across, log

from grasp_affordance.detection.samples import ScoredRectangle
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.sequence import Sequence
from grasp_affordance.sim import Hardness, SimCell, SimConfig
from grasp_affordance.sim.piles import shapes
from grasp_affordance.sim.piles.objects import Material, ObjectSpec, Placement, lying
from research.log_piles.candidates import (
    CandidateRow,
    ScoredImage,
    evaluate_anew,
    evaluate_recording,
    images_from_json,
    images_to_json,
    summarise,
)
from research.log_piles.cylinders import Cylinder
from research.log_piles.grasp_validity import ValidityConfig
from research.log_piles.jaws import ParallelJaws
from research.log_piles.sequences import record_log_pile

LIMITS = ValidityConfig()


def placed(thing: Cylinder, yaw: float) -> Placement:
    spec = ObjectSpec(
        shapes.cylinder(thing.radius, thing.length),
        (0.5, 0.4, 0.3, 1.0),
        density=600.0,
        material=Material.BARK,
    )
    position = thing.centre - [*CONFIG.bin.centre, CONFIG.bin.floor]
    return Placement(spec, position, lying(yaw))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Sequence:
    """Two logs that touch and one alone, seen by an ideal camera; one removal."""
    folder = tmp_path_factory.mktemp("recorded") / "pile"
    with SimCell(SimConfig(scene="logs", hardness=Hardness.IDEAL)) as cell:
        cell.lay_out([placed(thing, 0.0) for thing in LOGS], "logs")
        record_log_pile(cell, folder, LIMITS, most=1)
    return Sequence(folder)


LOGS = [log(0, -0.1), log(0, -0.0598), log(0, 0.08, radius=0.022)]


def scored(*rectangles: GraspRectangle) -> list[ScoredRectangle]:
    return [ScoredRectangle(r, 0.9 - 0.1 * k) for k, r in enumerate(rectangles)]


def test_what_the_criteria_say_the_simulated_jaws_confirm(recording: Sequence) -> None:
    free, blocked, turned = across(LOGS[2]), across(LOGS[0]), across(LOGS[2], turn=np.pi / 2)
    (image,) = evaluate_recording(
        recording, ["0000"], lambda *_: scored(free, blocked, turned), LIMITS, tried=0.0
    )
    assert [row.fault for row in image.rows] == ["none", "blocked", "too_small"]
    assert [row.outcome for row in image.rows] == ["lifted", "collided", "collided"]
    assert image.rows[0].opening == pytest.approx(0.044, abs=0.001)
    assert image.rows[0].width == pytest.approx(0.044, abs=0.001)


def test_kept_candidates_can_be_evaluated_anew_without_being_tried_anew(
    recording: Sequence,
) -> None:
    rectangles = across(LOGS[2]), across(LOGS[0])
    (image,) = evaluate_recording(
        recording, ["0000"], lambda *_: scored(*rectangles), LIMITS, tried=0.0
    )
    forgotten = ScoredImage(
        image.image, tuple(replace(row, fault="too_big", strict="") for row in image.rows)
    )
    assert evaluate_anew(forgotten, recording, "0000", LIMITS) == image
    narrow = replace(LIMITS, jaws=ParallelJaws(maximum_opening=0.03))
    again = evaluate_anew(image, recording, "0000", narrow)
    assert [row.fault for row in again.rows] == ["too_small", "too_small"]
    assert [row.outcome for row in again.rows] == [row.outcome for row in image.rows]


def test_only_candidates_with_enough_score_are_tried(recording: Sequence) -> None:
    free = across(LOGS[2])
    (image,) = evaluate_recording(
        recording, ["0000"], lambda *_: scored(free, free), LIMITS, tried=0.85
    )
    assert [row.outcome for row in image.rows] == ["lifted", None]


def test_the_detector_is_given_the_frame_and_the_region(recording: Sequence) -> None:
    region = np.ones((CONFIG.height, CONFIG.width), bool)
    seen = []

    def detect(frame: object, where: object) -> list[ScoredRectangle]:
        seen.append((frame, where))
        return []

    (image,) = evaluate_recording(recording, ["0000"], detect, LIMITS, region)
    assert image.rows == ()
    assert seen[0][1] is region


def row(image: str, score: float, fault: str = "none", outcome: str | None = None) -> CandidateRow:
    return CandidateRow(image, score, 0, 0, 0, 1, 1, fault, None, None, outcome)


IMAGES = [
    ScoredImage(
        "a",
        (
            row("a", 0.9, outcome="lifted"),
            row("a", 0.6, "blocked", "collided"),
            row("a", 0.2, "too_big"),
        ),
    ),
    ScoredImage("b", (row("b", 0.7, "covered", "lifted"),)),
    ScoredImage("c", ()),
]


def test_figures_count_what_passes_the_threshold() -> None:
    found = summarise(IMAGES, 0.5)
    assert (found["images"], found["candidates"], found["empty_images"]) == (3, 3, 1)
    assert found["valid"] == pytest.approx(1 / 3)
    assert found["lifted"] == pytest.approx(2 / 3)
    assert found["best_valid"] == pytest.approx(1 / 3)
    assert found["best_lifted"] == pytest.approx(2 / 3)
    assert found["agree"] == pytest.approx(2 / 3)
    assert found["faults"] == {"none": 1, "blocked": 1, "covered": 1}
    low, high = found["valid_interval"]
    assert low < 1 / 3 < high
    assert summarise(IMAGES, 0.1)["candidates"] == 4
    assert summarise(IMAGES, 0.5, most=1)["candidates"] == 2


def test_without_candidates_nothing_is_claimed() -> None:
    found = summarise(IMAGES, 0.95)
    assert found["valid"] is None
    assert found["valid_interval"] is None
    assert found["best_valid"] == 0


def test_evaluated_images_survive_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(images_to_json(IMAGES)))
    assert images_from_json(json.loads(path.read_text())) == IMAGES
