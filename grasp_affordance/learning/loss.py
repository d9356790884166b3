"""The paper's loss: cross-entropy at the executed pixels, and nowhere else."""

import torch
from torch import Tensor
from torch.nn import functional


def executed_pixel_loss(logits: Tensor, cells: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy over executed cells, equation 3 of the suction paper.

    The paper's symbols exchange prediction and label; this is the usual form, with the label as
    the target. Every other cell of the map has no gradient.

    Args:
        logits: (N, 2, h, w); channel 0 is success, channel 1 its counterpart.
        cells: (N, 2) int64 (row, column) of the executed cell of each map.
        labels: (N,) 1 for success, 0 for failure.
    """
    index = torch.arange(len(logits), device=logits.device)
    executed = logits[index, :, cells[:, 0], cells[:, 1]]
    target = (labels < 0.5).long()  # channel 0 is success
    return functional.cross_entropy(executed, target)
