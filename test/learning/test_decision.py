"""Where to pick: the draws follow from seed, attempt and bin; the rules offer what they say."""

import math
from dataclasses import replace

import numpy as np
import pytest
from helpers.rendered_scene import Block, camera_at, open_bin, render
from helpers.synthetic_training_samples import CONFIG, training_sample

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.candidates import ABSTAIN_BELOW, CandidateConfig
from grasp_affordance.affordance.network.compact_model import CompactModel
from grasp_affordance.affordance.predictor import AffordanceModel, PredictorConfig
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Cup
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import transform_points
from grasp_affordance.learning.decision import (
    DecisionConfig,
    History,
    Rule,
    Try,
    decide,
    decide_in,
    tries,
)
from grasp_affordance.learning.trainer import Trainer
from grasp_affordance.policies.policy import View
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Failures, Rejection, Selection, Source

SHARE = 0.05
WARM_UP = 8
T = camera_at(60, 0.7)
BIN = BinGeometry(centre=(0.0, 0.0), size=(0.40, 0.30, 0.10))
KNOWN = BinView(T_base_camera=T, bin=BIN)
LEARNED = PredictorConfig(source=Source.LEARNED)
DEMANDING = PredictorConfig(candidates=CandidateConfig(min_probability=0.999))
BIN_IS_NEXT = Failures(bin=1)


def trying(novelty: float = 0.0, below: float = SHARE, decay: float = 200.0) -> DecisionConfig:
    return DecisionConfig(
        below_threshold=below, novelty=novelty, novelty_decay=decay, warm_up=WARM_UP, seed=3
    )


def tried(config: DecisionConfig, count: int, bin_number: int = 0) -> list[Try]:
    """Return what is tried after each of so many attempts."""
    return [tries(config, History(number, WARM_UP), bin_number) for number in range(count)]


@pytest.fixture(scope="module")
def frame() -> RgbdFrame:
    box = Block((-0.06, -0.05, 0.0), (0.06, 0.05, 0.05))
    return render([*open_bin(), box], T, noise=0.0007, holes=0.01)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> CompactModel:
    """Return weights that know four places of white noise, unlike any of a real view."""
    trainer = Trainer(CONFIG, tmp_path_factory.mktemp("weights"))
    for number in range(4):
        trainer.consume(training_sample(number))
    return CompactModel(trainer.deployed)


def pixels(selection: Selection) -> list[tuple[int, int]]:
    return [(point.u, point.v) for point in selection.points]


def test_the_share_of_bins_whose_best_point_is_tried_is_the_probability() -> None:
    for found in (tried(trying(), 4000), [tries(trying(), History(7, 8), n) for n in range(4000)]):
        share = found.count(Try.BEST) / 4000
        assert abs(share - SHARE) < 4 * (SHARE * (1 - SHARE) / 4000) ** 0.5


def test_novel_places_are_tried_less_and_less() -> None:
    decay, count = 1000.0, 4000
    found = tried(trying(0.5, 0.0, decay), count)
    for begin in (0, 2000):
        chances = [0.5 * 5 ** (-n / decay) for n in range(begin, begin + 2000)]
        novel = found[begin : begin + 2000].count(Try.NOVEL)
        spread = math.sqrt(sum(p * (1 - p) for p in chances))
        assert abs(novel - sum(chances)) < 4 * spread


def test_how_often_the_best_point_is_tried_does_not_depend_on_novelty() -> None:
    alone, beside = tried(trying(), 1000), tried(trying(1.0), 1000)
    assert [v is Try.BEST for v in alone] == [v is Try.BEST for v in beside]


def test_another_bin_is_another_draw_so_that_no_learner_hands_back_for_ever() -> None:
    found = {tries(trying(), History(70, WARM_UP), number) for number in range(500)}
    assert found == {Try.NOTHING, Try.BEST}


def test_with_both_probabilities_at_zero_nothing_is_tried() -> None:
    assert set(tried(trying(0.0, 0.0), 1000)) == {Try.NOTHING}


def test_another_seed_is_another_draw() -> None:
    config = trying(0.5, 0.5)
    assert tried(config, 100) == tried(config, 100)
    assert tried(config, 100) != tried(replace(config, seed=4), 100)


def test_before_the_warm_up_is_over_the_best_point_is_always_tried() -> None:
    found = {tries(trying(1.0, 0.0), History(n, WARM_UP - 1), 0) for n in range(100)}
    assert found == {Try.BEST}


@pytest.mark.parametrize(
    "options",
    [
        {"below_threshold": 1.1},
        {"novelty": -0.1},
        {"novelty_decay": 0.0},
        {"warm_up": -1},
        {"seed": -1},
    ],
)
def test_what_is_no_probability_or_no_time_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="decision"):
        DecisionConfig(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("exploration", [0.0, 0.5])
def test_asking_twice_gives_the_same_answer(
    frame: RgbdFrame, model: CompactModel, exploration: float
) -> None:
    demanding = replace(LEARNED, candidates=DEMANDING.candidates)
    config, kinds = trying(0.5, 0.3), set()
    for number in range(12):
        history = History(number, WARM_UP, exploration)
        first, again = (
            decide(frame, KNOWN, demanding, model, None, config, history).selection
            for _ in range(2)
        )
        assert pixels(first) == pixels(again)
        kinds.add(first.points[0].source if first.points else None)
    expected = {Source.LEARNED, Source.NOVELTY, None}
    assert kinds >= ({Source.EXPLORATION} if exploration else expected)


def test_where_nobody_learns_nothing_is_tried_to_learn_from(frame: RgbdFrame) -> None:
    config = trying(1.0, 1.0)
    assert not decide(frame, KNOWN, DEMANDING, config=config).selection.points
    best = decide(frame, KNOWN, DEMANDING, config=config, history=History(0, WARM_UP)).selection
    modest = replace(DEMANDING, candidates=CandidateConfig(min_probability=0.0))
    assert pixels(best) == pixels(decide(frame, KNOWN, modest).selection)


def test_a_random_pick_lands_on_objects_and_at_another_place_each_time(frame: RgbdFrame) -> None:
    found = [
        decide(frame, KNOWN, PredictorConfig(), history=History(number, 0, 1.0))
        for number in range(5)
    ]
    for each in found:
        assert {point.source for point in each.selection.points} == {Source.EXPLORATION}
        assert all(each.prediction.allowed[p.v, p.u] for p in each.selection.points)
    assert len({pixels(each.selection)[0] for each in found}) == 5


class EdgeOf:
    """A map that is highest at one pixel, beside an edge, where the prior's limits exclude it."""

    def __init__(self, u: int, v: int) -> None:
        self.u, self.v = u, v

    def predict(self, frame: RgbdFrame, *_: object, **__: object) -> np.ndarray:
        map_ = np.full(frame.shape, 0.4, np.float32)
        map_[self.v - 2 : self.v + 3, self.u - 2 : self.u + 3] = 0.6
        map_[self.v, self.u] = 0.7
        return map_


def edge_pixel(frame: RgbdFrame) -> tuple[int, int]:
    """Return a pixel of an object that is nearer to an edge than the prior may offer."""
    strict = decide(frame, KNOWN, PredictorConfig()).prediction
    lenient = replace(strict.limits, edge_radii=0.0)
    assert lenient != strict.limits
    distance = strict.scene.surface.to_image(strict.scene.surface.edge_distance)
    near = strict.allowed & (distance > 0.001) & (distance < 0.3 * Cup().radius)
    rows, columns = np.nonzero(near)
    middle = len(rows) // 2
    return int(columns[middle]), int(rows[middle])


def test_the_limits_of_the_prior_hold_for_the_prior_alone(frame: RgbdFrame) -> None:
    u, v = edge_pixel(frame)
    model: AffordanceModel = EdgeOf(u, v)
    learned = decide(frame, KNOWN, LEARNED, model).selection
    best = learned.points[0]
    assert math.hypot(best.u - u, best.v - v) < 5
    prior = decide(frame, KNOWN, PredictorConfig()).selection
    own = {Rejection.NEAR_EDGE, Rejection.NEAR_HOLE, Rejection.TOO_STEEP}
    assert sum(prior.rejections.get(cause, 0) for cause in own) > 1000
    assert not own & (learned.rejections.keys() - {Rejection.TOO_STEEP})
    assert all(math.hypot(p.u - u, p.v - v) > 2 for p in prior.points)


def test_the_papers_rule_takes_the_highest_pixel_and_never_hands_back(frame: RgbdFrame) -> None:
    u, v = edge_pixel(frame)
    model: AffordanceModel = EdgeOf(u, v)
    config = DecisionConfig(Rule.EPSILON_GREEDY)
    demanding = replace(LEARNED, candidates=DEMANDING.candidates)
    chosen = decide(frame, KNOWN, demanding, model, config=config).selection.points[0]
    assert math.hypot(chosen.u - u, chosen.v - v) < 4
    beside = transform_points(T, chosen.position)[None] + [0.02, 0.0, 0.0]
    failures = Failures(beside, beside)
    again = decide(frame, KNOWN, demanding, model, failures, config).selection.points[0]
    assert (again.u, again.v, again.probability) == (chosen.u, chosen.v, chosen.probability)


def test_a_frame_that_cannot_be_used_is_a_reason_for_a_policy(frame: RgbdFrame) -> None:
    blind = replace(frame, depth=np.full_like(frame.depth, np.nan))
    view = View(blind, T, BIN, Cup(), np.random.default_rng(0))
    selection, decision = decide_in(view, PredictorConfig())
    assert selection.rejections == {Rejection.UNUSABLE_FRAME: 1}
    assert decision is None


def test_the_threshold_is_the_same_whoever_asks() -> None:
    assert PredictorConfig().candidates.min_probability == ABSTAIN_BELOW
