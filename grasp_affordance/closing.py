"""What must be closed, as a `with` block closes it."""

from abc import ABC, abstractmethod
from typing import Self


class Closing(ABC):
    """Something that ends with its `with` block, however that ends."""

    @abstractmethod
    def close(self) -> None:
        """Give back what it holds."""

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()
