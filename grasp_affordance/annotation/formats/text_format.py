"""Formats with a text file of rectangles beside each image, as Cornell's and Jacquard's are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grasp_affordance.annotation.formats.labelled_image import (
    LabelledImage,
    copy_image,
    image_size,
    read_lines,
)
from grasp_affordance.annotation.records import read_mask, write_mask
from grasp_affordance.errors import ConfigError, SequenceError
from grasp_affordance.files import write_atomically
from grasp_affordance.rectangle import GraspRectangle


@dataclass(frozen=True)
class TextFormat:
    """Names of the files, and how a rectangle is written.

    Attributes:
        text, image, mask: what follows an image's name in the names of its files.
        to_lines: writes one rectangle.
        from_lines: reads those of one file, blank lines left out; raises ValueError or ConfigError.
        expects: what a file should hold, for the error.
    """

    text: str
    image: str
    mask: str
    to_lines: Callable[[GraspRectangle], Sequence[str]]
    from_lines: Callable[[list[str]], tuple[GraspRectangle, ...]]
    expects: str

    def write(self, folder: Path, labels: list[LabelledImage]) -> None:
        """Write one text file, one image and where known one mask per label."""
        for label in labels:
            lines = [line for each in label.rectangles for line in self.to_lines(each)]
            text = ("\n".join(lines) + "\n").encode()
            write_atomically(folder / f"{label.name}{self.text}", text)
            copy_image(label, folder / f"{label.name}{self.image}")
            if label.mask is not None:
                write_mask(folder / f"{label.name}{self.mask}", label.mask)

    def read(self, folder: Path) -> list[LabelledImage]:
        """Read all labels of a folder.

        Raises:
            SequenceError: an image is missing or a text is malformed.
        """
        return [
            self._read_one(folder, path.name.removesuffix(self.text))
            for path in sorted(folder.glob(f"*{self.text}"))
        ]

    def _read_one(self, folder: Path, name: str) -> LabelledImage:
        text, image = folder / f"{name}{self.text}", folder / f"{name}{self.image}"
        mask = folder / f"{name}{self.mask}"
        try:
            rectangles = self.from_lines(read_lines(text))
        except (ValueError, ConfigError) as error:
            raise SequenceError(f"{text}: not {self.expects}: {error}") from error
        known = read_mask(mask) if mask.exists() else None
        return LabelledImage(name, image, image_size(image), rectangles, known)
