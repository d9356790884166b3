"""Jobs for worker processes, which import them by the name of this module."""

from dataclasses import dataclass
from pathlib import Path

from grasp_affordance.errors import ConfigError


@dataclass(frozen=True)
class Write:
    """Leaves a file of its name, or fails."""

    folder: Path
    name: str
    fails: str = ""

    def run(self) -> None:
        if self.fails == "named":
            raise ConfigError("no such cell")
        if self.fails == "bug":
            raise ZeroDivisionError("a bug")
        (self.folder / self.name).write_text("done")
