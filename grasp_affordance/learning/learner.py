"""The default learner: an ensemble that learns from every pick, from the first one on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from grasp_affordance.affordance.compact import CompactConfig, CompactNetwork
from grasp_affordance.affordance.observation import Observation
from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.replay import Example, Replay

Image = NDArray[np.float32]


@dataclass(frozen=True)
class LearnerConfig:
    """How the default learner learns.

    Attributes:
        network: what it trains.
        learning_rate: of Adam.
        weight_decay: decoupled (AdamW).
        steps: gradient steps after each attempt.
        batch: examples per step.
        newest: of these, always the newest ones.
        bootstrap: probability that a member of the ensemble sees an example.
        jitter: cells by which a patch is shifted at random; a label holds for its neighbourhood.
        seed: of the start and of all draws.
    """

    network: CompactConfig = field(default_factory=CompactConfig)
    learning_rate: float = 1e-3
    weight_decay: float = 1e-3
    steps: int = 4
    batch: int = 64
    newest: int = 8
    bootstrap: float = 0.7
    jitter: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.newest) < 1 or self.jitter < 0:
            raise ConfigError("learner: steps, batch and newest must be positive, jitter not < 0")
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
    """Network, optimiser and replay; every draw follows from the seed and the step number."""

    def __init__(self, config: LearnerConfig, device: str = "cpu") -> None:
        self.config = config
        self.device = torch.device(device)
        generator = torch.Generator().manual_seed(config.seed)
        self.network = CompactNetwork(config.network, generator).to(self.device)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.replay = Replay()
        self.steps = 0

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
        reach = self.config.network.reach + self.config.jitter
        patch, prior = view.patch(row, column, reach)
        return Example(patch.astype(np.float16), prior, label)

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the network's weights, on the CPU."""
        return {k: v.detach().cpu().clone() for k, v in self.network.state_dict().items()}

    def probability_of(self, example: Example, weights: Mapping[str, Tensor]) -> float:
        """Return what these weights predict at an example's cell."""
        return float(member_probabilities(weights, self.config.network, [example]).mean())

    def learn(self, example: Example) -> float:
        """Keep an example and take the configured number of steps; return the last loss."""
        self.replay.add(example)
        loss = float("nan")
        for _ in range(self.config.steps):
            loss = self._step()
        return loss

    def _step(self) -> float:
        rng = np.random.default_rng([self.config.seed, self.steps])
        drawn, weights = self.replay.draw(self.config.batch, self.config.newest, rng)
        examples = [self.replay.examples[index] for index in drawn]
        patches = _batch([self._augmented(e.patch, rng) for e in examples])
        prior = np.array([e.prior_logit for e in examples], dtype=np.float32)
        labels = np.array([e.label for e in examples], dtype=np.float32)
        weights = weights * np.array([e.weight for e in examples], dtype=np.float32)
        seen = self.seen(drawn) * weights[:, None]
        logits = self.network(
            torch.from_numpy(patches).to(self.device),
            torch.from_numpy(prior).to(self.device)[:, None, None, None],
        )[..., 0, 0]
        target = torch.from_numpy(labels).to(self.device)[:, None].expand_as(logits)
        loss = functional.binary_cross_entropy_with_logits(
            logits, target, weight=torch.from_numpy(seen).to(self.device), reduction="sum"
        ) / max(float(seen.sum()), 1e-6)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.steps += 1
        return float(loss.detach())

    def _augmented(
        self, patch: NDArray[np.float16], rng: np.random.Generator
    ) -> NDArray[np.float16]:
        """Return the patch shifted by up to `jitter` cells, turned and mirrored at random."""
        jitter, size = self.config.jitter, 2 * self.config.network.reach + 1
        row, column = rng.integers(0, 2 * jitter + 1, 2)
        cut = np.rot90(patch[:, row : row + size, column : column + size], rng.integers(4), (1, 2))
        return cut[:, :, ::-1] if rng.random() < 0.5 else cut

    def seen(self, indices: Sequence[int]) -> NDArray[np.float32]:
        """Return (N, members), 1 where a member learns from an example; fixed for each example."""
        members = self.config.network.members
        rows = [
            np.random.default_rng([self.config.seed, 7, index]).random(members)
            < self.config.bootstrap
            for index in indices
        ]
        return np.asarray(rows, dtype=np.float32)


def member_probabilities(
    weights: Mapping[str, Tensor], config: CompactConfig, examples: Sequence[Example]
) -> Image:
    """Return (N, members) float32: what each member predicts at each example's cell."""
    network = CompactNetwork(config)
    network.load_state_dict(dict(weights))
    size = 2 * config.reach + 1
    margin = (examples[0].patch.shape[-1] - size) // 2
    centre = slice(margin, margin + size)
    patches = _batch([e.patch[:, centre, centre] for e in examples])
    prior = np.array([e.prior_logit for e in examples], dtype=np.float32)
    with torch.inference_mode():
        logits = network(torch.from_numpy(patches), torch.from_numpy(prior)[:, None, None, None])
        return np.asarray(torch.sigmoid(logits[..., 0, 0]).numpy())


def _batch(patches: Sequence[NDArray[np.float16]]) -> Image:
    """Stack patches in C order: the order in memory decides the order of sums, to the last bit."""
    return np.ascontiguousarray(np.stack(patches), dtype=np.float32)
