"""The paper's loss, cross-entropy at the executed pixels alone, and that of coarse labels."""

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


def coarse_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy over labelled cells; good and bad ones weigh the same together.

    Without that balance, the few good cells of a bin would count for next to nothing.

    Args:
        logits: (N, 2, h, w); channel 0 is success, channel 1 its counterpart.
        labels: (N, h, w) 1 for good, 0 for bad, NaN for unlabelled cells, which have no gradient.
    """
    known = ~torch.isnan(labels)
    target = (labels[known] < 0.5).long()  # channel 0 is success
    each = functional.cross_entropy(logits.movedim(1, -1)[known], target, reduction="none")
    kinds = [each[target == kind].mean() for kind in (0, 1) if (target == kind).any()]
    return torch.stack(kinds).mean() if kinds else logits.sum() * 0
