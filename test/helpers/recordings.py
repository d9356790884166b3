"""Rerun recordings in tests: what a file holds; skips where the extra `watch` is not installed."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

HAVE_RERUN = importlib.util.find_spec("rerun") is not None
with_rerun = pytest.mark.skipif(not HAVE_RERUN, reason="the extra watch is not installed")
without_rerun = pytest.mark.skipif(HAVE_RERUN, reason="the extra watch is installed")


class Recorded:
    """The entities of a recording.

    Attributes:
        rows: path without its first stroke -> one dictionary of columns per row, in order.
    """

    def __init__(self, path: Path) -> None:
        chunk = pytest.importorskip("rerun.chunk", reason="the extra watch is not installed")
        self.rows: dict[str, list[dict[str, Any]]] = {}
        for part in chunk.RrdReader(path).stream().to_chunks():
            batch = part.to_record_batch()
            # Python has no time of that resolution.
            names = [field.name for field in batch.schema if "timestamp" not in str(field.type)]
            rows = batch.select(names).to_pylist()
            self.rows.setdefault(part.entity_path.removeprefix("/"), []).extend(rows)

    def values(self, path: str, component: str) -> list[Any]:
        """Return what was logged as a component, such as `Scalars:scalars`, without the empty."""
        columns = [row.get(component) for row in self.rows[path]]
        return [value for value in columns if value is not None]
