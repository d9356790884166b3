"""The default learner: an ensemble that learns from every pick, from the first one on."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from grasp_affordance.affordance.network.compact import CompactConfig, CompactNetwork
from grasp_affordance.affordance.network.device import usable_device
from grasp_affordance.affordance.network.observation import Observation
from grasp_affordance.arrays import Image
from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.replay import Example, Replay

_FAMILIAR = 1024  # newest cells of which a checkpoint tells that they were tried; 60 kB


@dataclass(frozen=True)
class LearnerConfig:
    """How the default learner learns.

    Attributes:
        network: what it trains.
        learning_rate: of Adam.
        weight_decay: decoupled (AdamW).
        steps: gradient steps after each attempt; with none the weights stay, and only what their
            probabilities are worth is learned.
        batch: examples per step.
        newest: of these, always the newest ones.
        bootstrap: probability that a member of the ensemble sees an example.
        anchor: failures that the word of what it begins with is worth: the seal prior, or given
            weights. The squared difference between a logit and what that says counts for
            anchor / (1 + failures) beside the cross-entropy: the robot does what it did at first,
            until that has failed often.
        seed: of the start and of all draws.
    """

    network: CompactConfig = field(default_factory=CompactConfig)
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    steps: int = 4
    batch: int = 32
    newest: int = 8
    bootstrap: float = 0.9
    anchor: float = 2.0
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.batch, self.newest) < 1 or self.steps < 0:
            raise ConfigError("learner: batch and newest must be positive, steps not negative")
        if self.anchor < 0:
            raise ConfigError(f"learner: anchor {self.anchor} is negative")
        if not (0 < self.bootstrap <= 1 and self.learning_rate > 0 and self.weight_decay >= 0):
            raise ConfigError("learner: bootstrap in (0, 1], learning_rate > 0, weight_decay >= 0")


@dataclass(frozen=True, eq=False)
class Prediction:
    """The ensemble's answer over a grid.

    Attributes:
        probability: (rows, columns) float32, mean of the members.
        members: (members, rows, columns) float32 probabilities.
    """

    probability: Image
    members: Image


class OnlineLearner:
    """Network, optimiser and replay; every draw follows from the seed and the step number.

    On a GPU sums have no fixed order: there, the same seed gives nearly the same weights only.

    Raises:
        ConfigError: torch has no such device.
    """

    def __init__(self, config: LearnerConfig, device: str = "cpu") -> None:
        self.config = config
        self.device = torch.device(usable_device(device))
        generator = torch.Generator().manual_seed(config.seed)
        self.network = CompactNetwork(config.network, generator).to(self.device)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.replay = Replay()
        self._first: CompactNetwork | None = None
        self.steps = 0

    def begin_with(self, weights: Mapping[str, Tensor]) -> None:
        """Start from given weights, which are also what holds the first training samples back."""
        self.network.load_state_dict(dict(weights))
        self._first = copy.deepcopy(self.network).requires_grad_(False)

    def go_back_to(self, weights: Mapping[str, Tensor]) -> None:
        """Learn on from these weights; the optimiser forgets where it was heading."""
        self.network.load_state_dict(dict(weights))
        self.optimiser.state.clear()

    def predict(self, view: Observation) -> Prediction:
        """Return the ensemble's probabilities of success over the view's grid."""
        with torch.inference_mode():
            logits = self.network.forward_map(
                torch.from_numpy(view.features).to(self.device),
                torch.from_numpy(view.prior_logit).to(self.device),
            )
            members = torch.sigmoid(logits).cpu().numpy()
        return Prediction(members.mean(axis=0, dtype=np.float32), members)

    def example(self, view: Observation, u: int, v: int, label: float) -> Example:
        """Return the example of an executed pick at pixel (u, v)."""
        row, column = view.grid.cell(u, v)
        patch = view.patch(row, column, self.config.network.reach)
        # In C order, here and below: the order in memory decides the order of sums.
        return Example(
            np.ascontiguousarray(patch, np.float16), float(view.prior_logit[row, column]), label
        )

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the network's weights, on the CPU."""
        return {k: v.detach().cpu().clone() for k, v in self.network.state_dict().items()}

    def familiar(self) -> Tensor | None:
        """Return the features (M, channels) float16 of the newest cells that were tried, if any."""
        middle = self.config.network.reach
        newest = self.replay.newest(_FAMILIAR)
        if not newest:
            return None
        return torch.from_numpy(np.stack([e.patch[:, middle, middle] for e in newest]))

    def probability_of(self, example: Example) -> float:
        """Return what the present weights predict at an example's cell."""
        patch = torch.from_numpy(example.patch[None].astype(np.float32)).to(self.device)
        prior = torch.tensor([example.prior_logit], dtype=torch.float32, device=self.device)
        with torch.inference_mode():
            return float(torch.sigmoid(self.network.forward_cells(patch, prior)).mean())

    def learn(self, example: Example) -> float:
        """Keep an example and take the configured number of steps; return the last loss."""
        self.replay.add(example)
        loss = float("nan")
        for _ in range(self.config.steps):
            loss = self._step()
        return loss

    def _step(self) -> float:
        config, rng = self.config, np.random.default_rng([self.config.seed, self.steps])
        drawn, weights = self.replay.draw(config.batch, config.newest, rng)
        examples = [self.replay[number] for number in drawn]
        turned = np.ascontiguousarray(np.stack([_turned(e.patch, rng) for e in examples]))
        patches = torch.from_numpy(turned).to(self.device, torch.float32)
        prior = torch.tensor([e.prior_logit for e in examples], device=self.device)
        labels = torch.tensor([e.label for e in examples], device=self.device)
        seen = self.seen(drawn) * weights[:, None]
        logits = self.network.forward_cells(patches, prior)
        loss = functional.binary_cross_entropy_with_logits(
            logits,
            labels[:, None].expand_as(logits),
            weight=torch.from_numpy(seen).to(self.device),
            reduction="sum",
        ) / max(float(seen.sum()), 1e-6)
        loss = loss + self._pull(logits, patches, prior)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.steps += 1
        return float(loss.detach())

    def _pull(self, logits: Tensor, patches: Tensor, prior: Tensor) -> Tensor | float:
        """Return the loss of logits (B, members) that differ from what was said at first.

        The seal prior alone knows nothing of a network without it: then nothing holds it back.
        """
        network, share = self.config.network, self.config.anchor / (1 + self.replay.failures)
        if self._first is not None:
            at_first = self._first.forward_cells(patches, prior)
        elif network.use_prior:
            at_first = network.prior_trust * prior[:, None]
        else:
            return 0.0
        return share * (logits - at_first).square().mean()

    def seen(self, numbers: Sequence[int]) -> NDArray[np.float32]:
        """Return (N, members), 1 where a member learns from an example; fixed for each example."""
        members = self.config.network.members
        rows = [
            np.random.default_rng([self.config.seed, 7, number]).random(members)
            < self.config.bootstrap
            for number in numbers
        ]
        return np.asarray(rows, dtype=np.float32)


def _turned(patch: NDArray[np.float16], rng: np.random.Generator) -> NDArray[np.float16]:
    """Return a patch turned by a multiple of 90 degrees, and mirrored, at random."""
    turns, mirrored = int(rng.integers(4)), rng.random() < 0.5
    turned = np.rot90(patch, turns, (-2, -1))
    return turned[..., ::-1] if mirrored else turned
