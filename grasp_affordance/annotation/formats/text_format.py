"""Formats with a text file of rectangles beside each image, as Cornell's and Jacquard's are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grasp_affordance.annotation.formats.labelled_image import (
    DepthReader,
    LabelledImage,
    copy_image,
    name_of,
    read_lines,
)
from grasp_affordance.annotation.records import read_mask, write_mask
from grasp_affordance.errors import ConfigError, SequenceError
from grasp_affordance.files import inside, write_atomically
from grasp_affordance.images import image_size
from grasp_affordance.rectangle import GraspRectangle

FindDepth = Callable[[Path, str, tuple[int, int]], DepthReader | None]


def _no_depth(_folder: Path, _name: str, _size: tuple[int, int]) -> None:
    return None


@dataclass(frozen=True)
class TextFormat:
    """Names of the files, and how a rectangle is written.

    Attributes:
        text, image, mask: what follows an image's name in the names of its files.
        to_lines: writes one rectangle.
        from_lines: reads those of one file, blank lines left out, None for one that is to be left
            out; raises ValueError or ConfigError.
        expects: what a file should hold, for the error.
        depth: returns what reads the depth of an image (folder, name, size); None without one.
    """

    text: str
    image: str
    mask: str
    to_lines: Callable[[GraspRectangle], Sequence[str]]
    from_lines: Callable[[list[str]], tuple[GraspRectangle | None, ...]]
    expects: str
    depth: FindDepth = _no_depth

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
        """Read all labels of a folder and of those in it.

        Raises:
            SequenceError: an image is missing, a text is malformed, or a link leads outside.
        """
        return [
            self._read_one(folder, name_of(path, folder, self.text))
            for path in sorted(folder.rglob(f"*{self.text}"))
        ]

    def _read_one(self, folder: Path, name: str) -> LabelledImage:
        text, image = (inside(folder, f"{name}{suffix}") for suffix in (self.text, self.image))
        mask = inside(folder, f"{name}{self.mask}")
        try:
            rectangles = self.from_lines(read_lines(text))
        except (ValueError, ConfigError) as error:
            raise SequenceError(f"{text}: not {self.expects}: {error}") from error
        used = tuple(rectangle for rectangle in rectangles if rectangle is not None)
        size = image_size(image)
        return LabelledImage(
            name,
            image,
            size,
            used,
            read_mask(mask) if mask.exists() else None,
            self.depth(folder, name, size),
            left_out=len(rectangles) - len(used),
        )
