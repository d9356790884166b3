"""Symmetries of a picking scene: a label moves with its image."""

import torch
from torch import Tensor

TRANSFORMS = ("identity", "rotated", "flipped", "mirrored")


def transformed(
    images: Tensor, cell: tuple[int, int], size: int, name: str
) -> tuple[Tensor, Tensor]:
    """Apply one of the paper's augmentations to square images and to the cell of their label.

    Args:
        images: (..., S, S) with S a multiple of `size`.
        cell: (row, column) in the network's output of `size` x `size` cells.
        name: `identity`; `rotated` by a quarter turn, counter-clockwise; `flipped` upside down;
            `mirrored` left to right.

    Returns:
        The images, and the cell as an int64 tensor (2,).
    """
    row, column = cell
    last = size - 1
    match name:
        case "identity":
            return images, torch.tensor([row, column])
        case "rotated":
            return torch.rot90(images, 1, (-2, -1)), torch.tensor([last - column, row])
        case "flipped":
            return images.flip(-2), torch.tensor([last - row, column])
        case "mirrored":
            return images.flip(-1), torch.tensor([row, last - column])
        case _:
            raise ValueError(f"augmentation '{name}': use one of {TRANSFORMS}")


def augmented(images: Tensor, cell: tuple[int, int], size: int) -> tuple[Tensor, Tensor]:
    """Return all of `TRANSFORMS` at once: images (4, ..., S, S) and cells (4, 2)."""
    pairs = [transformed(images, cell, size, name) for name in TRANSFORMS]
    return torch.stack([image for image, _ in pairs]), torch.stack([cell for _, cell in pairs])
