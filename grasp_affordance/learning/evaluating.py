"""What weights say of replayed examples: the cut that a network needs of each, in blocks."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grasp_affordance.affordance.network.compact import CompactConfig, CompactNetwork
from grasp_affordance.learning.replay import Example

Image = NDArray[np.float32]
Cut = tuple[NDArray[np.float16], np.float16]
"""Patch (channels, S, S) around a cell, S = 2 reach + 1, and the prior's logit of the cell."""

# Cells that are evaluated at once: PyTorch prepares, and keeps, code for every shape that it meets.
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
    cuts = [cut(example, config.reach) for example in examples]
    found = []
    with torch.inference_mode():
        for block in _blocks(cuts):
            patches, priors = (torch.from_numpy(each).to(device) for each in stacked(block))
            found.append(torch.sigmoid(network.forward_cells(patches, priors)).cpu().numpy())
    return np.concatenate(found)[: len(cuts)]


def cut(example: Example, reach: int, row: int = 0, column: int = 0) -> Cut:
    """Return what a network of some reach needs of an example for one cell.

    Args:
        row, column: of the cell, from the middle of the example.
    """
    middle = example.patch.shape[-1] // 2
    row, column = middle + row, middle + column
    rows, columns = (slice(at - reach, at + reach + 1) for at in (row, column))
    return example.patch[:, rows, columns], example.prior_logit[row, column]


def stacked(cuts: Sequence[Cut]) -> tuple[Image, Image]:
    """Return the patches (N, channels, S, S) and the logits of the prior (N,) of cuts.

    In C order: the order in memory decides the order of sums, to the last bit.
    """
    patches = np.empty((len(cuts), *cuts[0][0].shape), dtype=np.float32)
    for place, (patch, _) in zip(patches, cuts, strict=True):
        place[...] = patch
    return patches, np.array([prior for _, prior in cuts], dtype=np.float32)


def _blocks(cuts: list[Cut]) -> Iterator[list[Cut]]:
    """Yield the cuts in blocks of one size, the last filled up; a single one stays alone."""
    if len(cuts) > 1:
        cuts = cuts + cuts[:1] * (-len(cuts) % _BLOCK)
    for first in range(0, len(cuts), _BLOCK):
        yield cuts[first : first + _BLOCK]
