"""What weights say of replayed examples: the cut that a network needs of each, in blocks."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grasp_affordance.affordance.compact import CompactConfig, CompactNetwork
from grasp_affordance.learning.aim import Aim
from grasp_affordance.learning.replay import Example

Image = NDArray[np.float32]
Cut = tuple[NDArray[np.float16], NDArray[np.float16]]
"""Patch (channels, h + 2 reach, w + 2 reach) and prior (h, w) of the cells in its middle."""

# Cells that are judged at once: PyTorch prepares, and keeps, code for every shape that it meets.
_BLOCK = 32


def member_probabilities(
    weights: Mapping[str, Tensor],
    config: CompactConfig,
    examples: Sequence[Example],
    device: str | torch.device = "cpu",
) -> Image:
    """Return (N, members) float32: what each member predicts at each example's cell."""
    network = CompactNetwork(config)
    network.load_state_dict(dict(weights))
    network.to(device)
    row, column = network.aim.tolist()
    cuts = [cut(example, config.reach, (row, column), (row, column)) for example in examples]
    return _judged(lambda patch, prior: network.forward_cells(patch, prior[:, 0, 0]), cuts, device)


def probabilities_at(
    network: CompactNetwork, examples: Sequence[Example], aims: Sequence[Aim]
) -> dict[Aim, Image]:
    """Return what the ensemble predicts (N,) if the cup landed with each of these aims.

    Neighbouring cells share most of what they are computed from, and so do these.
    """
    rows, columns = zip(*aims, strict=True)
    top, left = min(rows), min(columns)
    last = max(rows), max(columns)
    cuts = [cut(example, network.config.reach, (top, left), last) for example in examples]
    cells = _judged(lambda patch, prior: network(patch, prior[:, None]), cuts, network.aim.device)
    together = cells.mean(axis=1)
    return {(row, column): together[:, row - top, column - left] for row, column in aims}


def cut(example: Example, reach: int, first: Aim, last: Aim) -> Cut:
    """Return what a network of some reach needs of an example for the cells from `first` to `last`.

    These are rows and columns from the middle of the example.
    """
    middle = example.patch.shape[-1] // 2
    rows, columns = (
        slice(middle + start, middle + end + 1) for start, end in zip(first, last, strict=True)
    )
    seen = tuple(slice(s.start - reach, s.stop + reach) for s in (rows, columns))
    return example.patch[:, *seen], example.prior_logit[rows, columns]


def stacked(images: Sequence[NDArray[np.float16]]) -> Image:
    """Return images of one shape as one array.

    In C order: the order in memory decides the order of sums, to the last bit.
    """
    found = np.empty((len(images), *images[0].shape), dtype=np.float32)
    for place, image in zip(found, images, strict=True):
        place[...] = image
    return found


def _judged(
    ask: Callable[[Tensor, Tensor], Tensor], cuts: list[Cut], device: str | torch.device
) -> Image:
    """Return the probabilities (N, ...) of the logits that a network gives for cuts."""
    found = []
    with torch.inference_mode():
        for block in _blocks(cuts):
            patches, priors = (
                torch.from_numpy(stacked(images)).to(device) for images in zip(*block, strict=True)
            )
            found.append(torch.sigmoid(ask(patches, priors)).cpu().numpy())
    return np.concatenate(found)[: len(cuts)]


def _blocks(cuts: list[Cut]) -> Iterator[list[Cut]]:
    """Yield the cuts in blocks of one size, the last filled up; a single one stays alone."""
    if len(cuts) > 1:
        cuts = cuts + cuts[:1] * (-len(cuts) % _BLOCK)
    for first in range(0, len(cuts), _BLOCK):
        yield cuts[first : first + _BLOCK]
