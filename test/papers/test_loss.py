"""The loss looks at executed pixels only; augmentation moves label and image together."""

import pytest
import torch

from grasp_affordance.papers.suction.augmentation import TRANSFORMS, augmented, transformed
from grasp_affordance.papers.suction.loss import executed_pixel_loss


def test_the_gradient_is_zero_at_every_unlabelled_pixel() -> None:
    logits = torch.randn(3, 2, 7, 9, requires_grad=True)
    cells = torch.tensor([[0, 0], [3, 8], [6, 4]])
    executed_pixel_loss(logits, cells, torch.tensor([1.0, 0.0, 1.0])).backward()
    assert logits.grad is not None
    labelled = torch.zeros(3, 1, 7, 9, dtype=torch.bool)
    labelled[torch.arange(3), 0, cells[:, 0], cells[:, 1]] = True
    assert (logits.grad[~labelled.expand_as(logits)] == 0).all()
    assert (logits.grad[labelled.expand_as(logits)] != 0).all()


def test_the_loss_is_the_mean_cross_entropy_of_equation_three() -> None:
    logits = torch.randn(2, 2, 4, 4)
    cells = torch.tensor([[1, 2], [3, 0]])
    p = torch.softmax(logits, dim=1)[:, 0]
    expected = -(torch.log(p[0, 1, 2]) + torch.log(1 - p[1, 3, 0])) / 2
    loss = executed_pixel_loss(logits, cells, torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(loss, expected)


def test_a_success_raises_the_success_channel() -> None:
    logits = torch.zeros(1, 2, 2, 2, requires_grad=True)
    executed_pixel_loss(logits, torch.tensor([[0, 1]]), torch.tensor([1.0])).backward()
    assert logits.grad is not None
    assert logits.grad[0, 0, 0, 1] < 0 < logits.grad[0, 1, 0, 1]


@pytest.mark.parametrize("name", TRANSFORMS)
def test_augmentation_moves_label_and_image_together(name: str) -> None:
    cell, size, scale = (2, 5), 8, 4
    image = torch.zeros(1, size * scale, size * scale)
    image[:, 8:12, 20:24] = 1.0  # the pixels of the cell
    moved, label = transformed(image, cell, size, name)
    row, column = (int(i) * scale for i in label)
    assert moved[:, row : row + scale, column : column + scale].min() == 1
    assert moved.sum() == image.sum()


def test_all_augmentations_are_fed_at_once() -> None:
    images, cells = augmented(torch.randn(2, 3, 16, 16), (1, 3), 4)
    assert images.shape == (4, 2, 3, 16, 16)
    assert len({tuple(c.tolist()) for c in cells}) == 4
