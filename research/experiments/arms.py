"""The experiments by name: what is compared with what, in which cell, for how many attempts.

An arm is what `grasp-affordance train` would do with the same flags, so every figure of an
experiment can be had again by hand.
"""

import functools
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import tyro

from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.make_learner import LearnerOptions


@dataclass(frozen=True)
class Arm:
    """One way to learn.

    Attributes:
        text: what is different, in a few words.
        flags: of `grasp-affordance train`, for the learner.
        cell: hardness of the simulated cell.
    """

    text: str
    flags: str = ""
    cell: str = "realistic"

    @property
    def options(self) -> LearnerOptions:
        """Return the learner that the flags mean."""
        return learner_options(self.flags)


@dataclass(frozen=True)
class Experiment:
    """Arms that are compared over seeds.

    Attributes:
        title: heading of its report.
        question: what it answers.
        arms: name -> arm; the first arm of a cell is the reference of the others in that cell.
        attempts: of each run.
        scene: in which is learned.
        tests: scene -> piles per seed that are cleared with the weights at the end, in the arm's
            cell, beside the prior and the oracle.
    """

    title: str
    question: str
    arms: Mapping[str, Arm]
    attempts: int = 400
    scene: str = "train"
    tests: Mapping[str, int] = field(default_factory=dict)

    def on(self, device: str) -> Self:
        """Return the same with arms that learn on another device than the CPU."""
        if device == "cpu":
            return self
        flags = f"--device {shlex.quote(device)}"
        arms = {
            name: replace(arm, flags=f"{arm.flags} {flags}".strip())
            for name, arm in self.arms.items()
        }
        return replace(self, arms=arms)

    def reference(self, arm: str) -> str | None:
        """Return the arm with which another is compared; None for a reference itself."""
        first = next(name for name, each in self.arms.items() if each.cell == self.arms[arm].cell)
        return None if first == arm else first


@functools.cache
def learner_options(flags: str) -> LearnerOptions:
    """Return the learner that flags of `grasp-affordance train` mean.

    Raises:
        SystemExit: tyro does not know a flag, or a value is no value of it.
    """
    return tyro.cli(tyro.conf.EnumChoicesFromValues[LearnerOptions], args=shlex.split(flags))


def experiment(name: str) -> Experiment:
    """Return an experiment.

    Raises:
        ConfigError: says which there are.
    """
    if name not in EXPERIMENTS:
        raise ConfigError(f"experiment '{name}' is unknown; use one of {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name]


_LEARNER = "--trainer.learner"
_ABLATIONS = {
    "default": Arm("the default preset"),
    "no_prior": Arm("without the seal prior", "--no-prior"),
    "less_trust": Arm(
        "the prior's logit counts for a third at first", f"{_LEARNER}.network.prior-trust 0.3"
    ),
    "no_anchor": Arm("the prior is worth no failures", f"{_LEARNER}.anchor 0"),
    "no_color": Arm("shape alone", f"{_LEARNER}.network.no-use-color"),
    "no_segments": Arm("single cells of shape alone", f"{_LEARNER}.network.no-use-segments"),
    "no_markings": Arm(
        "does not see whether a surface segment has two colors",
        f"{_LEARNER}.network.no-use-markings",
    ),
    "no_novelty": Arm("tries nothing for being novel", "--novelty 0"),
    "no_abstention": Arm("picks even what is unlikely to succeed", "--min-probability 0"),
    "one_member": Arm("no ensemble", f"{_LEARNER}.network.members 1"),
    "no_bootstrap": Arm("all members see all attempts", f"{_LEARNER}.bootstrap 1"),
    "random_exploration": Arm(
        "explores at random", "--exploration-start 0.5 --exploration-decay 100"
    ),
    "no_replay": Arm(
        "the last attempt only, one step",
        f"{_LEARNER}.steps 1 {_LEARNER}.batch 1 {_LEARNER}.newest 1",
    ),
    "one_step": Arm("one gradient step per attempt", f"{_LEARNER}.steps 1"),
}


def _ablations(cell: str, flags: str = "", leave_out: tuple[str, ...] = ()) -> dict[str, Arm]:
    return {
        name: replace(arm, cell=cell, flags=f"{flags} {arm.flags}".strip())
        for name, arm in _ABLATIONS.items()
        if name not in leave_out
    }


_LITE0 = "--paper.network.backbone tf_efficientnet_lite0"
_RANDOM_LITE0 = f"--preset paper --paper.no-augmentation {_LITE0} --paper.network.weights random"


def _paper(network: str) -> dict[str, Arm]:
    """Return the paper's comparisons with the encoder that flags of its preset name."""
    base = f"--preset paper {network}"
    plain, double = "--paper.no-augmentation", "--paper.network.inputs.streams rgb-rgb"
    return {
        "rgbd": Arm("color and depth (figure 5, blue; figure 6, blue)", f"{base} {plain}"),
        "double_rgb": Arm("color twice (figure 5, pink)", f"{base} {plain} {double}"),
        "augmented": Arm("color and depth, with augmentation (figure 6, pink)", base),
        "pretrained": Arm(
            "begins with thirty coarsely labelled views (figure 7, pink; there 1,000 attempts)",
            f"{base} {plain} --pretrain.images 30",
        ),
    }


_PAPER_TESTS = {"train": 10, "test1": 10, "test2": 5, "test3": 5}  # clearances of tables I, II
# The piles of `make results`, so that the baselines stand beside.
_BASELINE_TESTS = {"train": 4, "test1": 5, "test2": 4, "test3": 4, "heldout": 9}
_PAPER_QUESTION = (
    "The suction paper's preset: color and depth against color twice (figure 5), with and without "
    "augmentation (figure 6), pretrained or not (figure 7), and the scenes of tables I and II. "
)

EXPERIMENTS: dict[str, Experiment] = {
    "scratch": Experiment(
        "From scratch",
        "How soon does the default preset pick well when nothing is given: no prior, "
        "random weights?",
        {"scratch": Arm("default preset, no prior", "--no-prior")},
        tests={"train": 4},
    ),
    "prior": Experiment(
        "With the prior",
        "What does the default preset with the seal prior do from the first pick on?",
        {
            "ideal": Arm("default preset, ideal cell", cell="ideal"),
            "realistic": Arm("default preset, realistic cell"),
        },
        attempts=300,
        tests={"train": 4},
    ),
    "adverse": Experiment(
        "The adverse cell",
        "What is learned where the prior is wrong: porous and weighted objects, a worn cup, a "
        "camera that is calibrated 4 to 6 mm off?",
        {
            "adverse": Arm("default preset, adverse cell", cell="adverse"),
            "no_novelty": replace(_ABLATIONS["no_novelty"], cell="adverse"),
            "choosy": Arm(
                "hands back what it gives less than 60 %", "--min-probability 0.6", "adverse"
            ),
            "shipped": Arm("begins with the shipped weights", "--weights shipped", "adverse"),
        },
        attempts=500,
        tests={"train": 4},
    ),
    "generalisation": Experiment(
        "Generalisation",
        "What is the skill of 2,000 attempts in the training scene worth in the paper's three "
        "tests and on shapes that were never seen? Does it travel better without color?",
        {"default": Arm("default preset"), "no_color": _ABLATIONS["no_color"]},
        attempts=2000,
        tests=_BASELINE_TESTS,
    ),
    "ablations": Experiment(
        "Ablations",
        "What does each part of the default preset do in the realistic cell?",
        _ablations("realistic"),
        attempts=300,
    ),
    "ablations_scratch": Experiment(
        "Ablations from scratch",
        "The same without the prior.",
        _ablations("realistic", "--no-prior", leave_out=("no_prior", "less_trust", "no_anchor")),
        attempts=300,
    ),
    "ablations_adverse": Experiment(
        "Ablations in the adverse cell",
        "The same in the adverse cell, where color, markings and abstention have something to say.",
        _ablations("adverse"),
        attempts=400,
    ),
    "paper": Experiment(
        "The paper's preset, random encoder",
        _PAPER_QUESTION + "The encoder is a ResNet-50 with random weights.",
        _paper("--paper.network.weights random"),
        attempts=2000,
        tests=_PAPER_TESTS,
    ),
    "paper_imagenet": Experiment(
        "The paper's preset, ImageNet encoder",
        _PAPER_QUESTION + "The encoder is an EfficientNet-Lite0 with ImageNet's weights, in one "
        "arm with random ones.",
        {
            **_paper(_LITE0),
            "random": Arm("random encoder, color and depth", _RANDOM_LITE0),
            # ImageNet's features are two to ten times as large, and so is what a step changes. With
            # fifty times the rate the decoder diverges after a hundred attempts.
            "random_fast": Arm(
                "random encoder, ten times the learning rate",
                f"{_RANDOM_LITE0} --paper.learning-rate 5e-4",
            ),
        },
        attempts=2000,
        tests=_PAPER_TESTS,
    ),
}
