"""The compact network as a model: a frame in, an affordance map out."""

import numpy as np
import torch
from numpy.typing import NDArray

from grasp_affordance.affordance.network.checkpoint import Checkpoint
from grasp_affordance.affordance.network.compact_checkpoint import (
    familiar_of,
    from_checkpoint,
    version,
    weights_of,
)
from grasp_affordance.affordance.network.device import (
    multiplies_bfloat16,
    one_thread,
    usable_device,
)
from grasp_affordance.affordance.network.novelty import novelty
from grasp_affordance.affordance.network.observation import Observation, observe, smoothed
from grasp_affordance.arrays import Image
from grasp_affordance.errors import ConfigError
from grasp_affordance.rgbd import RgbdFrame

_SMOOTHING = 0.7  # cells; the best cell of a good place, not a lonely one
_AROUND = 4  # cells around the region that are smoothed, or resampled, into it
_OPTICAL_UP = np.array([0.0, 0.0, -1.0])


class CompactModel:
    """Predicts with the weights of a checkpoint; safe to use from several threads."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Build the network.

        Raises:
            CheckpointError: the tensors do not fit the header. ConfigError: no such device.
        """
        network, self._scale, self._shift = from_checkpoint(checkpoint)
        on_cpu = torch.device(usable_device(device)).type == "cpu"
        # Twice as fast, and no probability differs by more than 0.01.
        self._quick = on_cpu and multiplies_bfloat16()
        layout = torch.channels_last if self._quick else torch.contiguous_format
        self.network = network.to(device).laid_out(layout)
        self._device = device
        self.version = version(weights_of(checkpoint), checkpoint.provenance.attempts)
        self._familiar = familiar_of(checkpoint)

    def predict(
        self,
        frame: RgbdFrame,
        region: NDArray[np.bool_] | None = None,
        *,
        up: NDArray[np.float64] | None = None,
        prior: Image | None = None,
    ) -> Image:
        """Return the calibrated probability of success (H, W) float32, 0 beyond the region.

        Args:
            frame: color and depth.
            region: (H, W) bool, where objects are; the whole image by default.
            up: (3,) unit vector against gravity, camera frame; against the optical axis by default.
            prior: (H, W) float32 seal prior; needed when the network was trained with it.

        Raises:
            FrameError: the region holds no depth. ConfigError: the prior is missing.
        """
        config = self.network.config
        if config.use_prior and prior is None:
            raise ConfigError(f"{self.version} starts from the seal prior, which was not given")
        wanted = frame.known if region is None else region
        view = self._observe(frame, wanted, up, prior)
        window = view.grid.window(wanted, _AROUND)
        features = torch.from_numpy(view.features).to(self._device)
        prior_logit = torch.from_numpy(view.prior_logit).to(self._device)
        with one_thread(), torch.inference_mode():
            with torch.autocast("cpu", torch.bfloat16, enabled=self._quick):
                logits = self.network.forward_map(features, prior_logit, window).float()
            mean = torch.sigmoid(logits).mean(dim=0).clamp(1e-6, 1 - 1e-6)
            calibrated = torch.sigmoid(self._scale * torch.logit(mean) + self._shift)
        cells = np.zeros_like(view.prior_logit)
        cells[window] = smoothed(calibrated.cpu().numpy(), _SMOOTHING)
        return view.grid.to_image(cells)

    def novelty(
        self,
        frame: RgbdFrame,
        region: NDArray[np.bool_],
        *,
        up: NDArray[np.float64] | None = None,
    ) -> Image:
        """Return how little places are like those that the network learned from (H, W) float32.

        In spreads of the features (see `affordance.novelty`); 0 beyond the region, and everywhere
        for weights that came without what they were learned from.

        Args:
            frame, region, up: as for `predict`.

        Raises:
            FrameError: the region holds no depth.
        """
        if self._familiar is None:
            return np.zeros(frame.shape, np.float32)
        view = self._observe(frame, region, up, None)
        cells = np.zeros_like(view.prior_logit)
        inside = view.grid.sample(region) > 0.5
        if inside.any():
            cells[inside] = novelty(view.features[:, inside].T, self._familiar)
        return view.grid.to_image(cells)

    def _observe(
        self,
        frame: RgbdFrame,
        region: NDArray[np.bool_],
        up: NDArray[np.float64] | None,
        prior: Image | None,
    ) -> Observation:
        upward = _OPTICAL_UP if up is None else up
        return observe(frame, region, upward, self.network.config, prior)
