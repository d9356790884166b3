"""The learned model in service: swapped as a whole, kept when its successor does not load."""

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grasp_affordance.models import LearnedModel

LOGGER = logging.getLogger(__name__)


class ModelSlot:
    """Holds one model or none; readers take `model` once per frame and keep it for that frame."""

    def __init__(self) -> None:
        self.model: LearnedModel | None = None
        self._loading = threading.Lock()

    @property
    def version(self) -> str:
        """Version of the model in service; empty for the analytic prior."""
        model = self.model
        return "" if model is None else model.version

    def load(self, path: str) -> str:
        """Put a checkpoint into service, or the prior for an empty path; return the version.

        Raises:
            CheckpointError: it does not load; the model before stays in service.
        """
        with self._loading:
            before = self.version
            self.model = _load(path) if path else None
            if self.version != before:
                LOGGER.info("serving %s, not %s", self.version or "prior", before or "prior")
            return self.version


def _load(path: str) -> "LearnedModel":
    from grasp_affordance.models import load_model  # torch: the prior can do without

    return load_model(path)
