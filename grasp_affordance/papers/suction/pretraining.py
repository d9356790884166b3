"""Pretraining on coarsely labelled images: the suction paper's third comparison (figure 7).

"We label thirty images manually, which is not very precise" (section IV B). The paper tells neither
loss nor rate nor length; they are ours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grasp_affordance.arrays import Mask
from grasp_affordance.errors import ConfigError, FrameError
from grasp_affordance.papers.suction.cells import bounding_window, grid_shape, sample_cells
from grasp_affordance.papers.suction.inputs import stream_images, window_tensor
from grasp_affordance.papers.suction.learner import PaperLearner
from grasp_affordance.papers.suction.loss import coarse_loss
from grasp_affordance.papers.suction.patches import Tile, patch_tiles
from grasp_affordance.rgbd import RgbdFrame


@dataclass(frozen=True)
class PretrainConfig:
    """How long, and how fast.

    Attributes:
        images: coarsely labelled, before the first attempt; the paper's thirty, or none.
        epochs: times that each is seen.
        learning_rate: of stochastic gradient descent; momentum and decay are those of the training
            samples.
    """

    images: int = 0
    epochs: int = 5
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        if self.images < 0 or self.epochs < 1 or not self.learning_rate > 0:
            raise ConfigError("pretrain: images >= 0, epochs >= 1, learning_rate > 0")


@dataclass(frozen=True, eq=False)
class CoarseView:
    """A frame in which somebody has marked where to suck.

    Attributes:
        frame: the view.
        good: (H, W) marked places; all others of the region count as bad.
        region: (H, W) inside the bin; None for the whole image.
    """

    frame: RgbdFrame
    good: Mask
    region: Mask | None = None

    def __post_init__(self) -> None:
        for name, mask in (("good", self.good), ("region", self.region)):
            if mask is not None and mask.shape != self.frame.shape:
                raise FrameError(f"{name} is {mask.shape}, the frame {self.frame.shape}")


def pretrain(
    learner: PaperLearner, views: Sequence[CoarseView], config: PretrainConfig, seed: int
) -> Iterator[float]:
    """Teach the decoder all cells of coarsely labelled views; yield the loss of each view seen.

    The learner's own optimiser, with its momentum, stays untouched.

    Raises:
        FrameError: a view cannot be used.
    """
    network, training_samples = learner.network, learner.config
    optimiser = torch.optim.SGD(
        network.decoder.parameters(),
        lr=config.learning_rate,
        momentum=training_samples.momentum,
        weight_decay=training_samples.weight_decay,
    )
    rng = np.random.default_rng([seed, 0xC0A5])
    for _ in range(config.epochs):
        for index in rng.permutation(len(views)):
            network.train()
            images, labels = (each.to(learner.device) for each in _batch(views[index], learner))
            loss = coarse_loss(network(images), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            yield float(loss.detach())


def _batch(view: CoarseView, learner: PaperLearner) -> tuple[Tensor, Tensor]:
    """Return all patches of a view (N, S, 3, 224, 224), and their labels (N, 56, 56)."""
    shape = view.frame.shape
    tiles = patch_tiles(bounding_window(view.region, shape), grid_shape(shape))
    streams = stream_images(view.frame, learner.config.network.inputs)
    images = torch.stack([window_tensor(streams, tile.window) for tile in tiles])
    cells = _cell_labels(view)
    return images, torch.stack([_owned_labels(cells, tile) for tile in tiles])


def _cell_labels(view: CoarseView) -> NDArray[np.float32]:
    """Return 1 for good cells, 0 for bad ones, NaN outside of the region."""
    labels = sample_cells(view.good).astype(np.float32)
    if view.region is not None:
        labels[~sample_cells(view.region)] = np.nan
    return labels


def _owned_labels(cells: NDArray[np.float32], tile: Tile) -> Tensor:
    """Return the labels of a patch; NaN where another patch predicts."""
    labels = np.full((tile.window.rows, tile.window.columns), np.nan, np.float32)
    labels[tile.owned_slices] = cells[tile.owned.slices]
    return torch.from_numpy(labels)
