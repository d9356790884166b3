"""The facade: a frame in, an affordance map and ranked suction points out."""

from dataclasses import dataclass, field, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.bin.region import BinView, RegionConfig, find_region
from grasp_affordance.affordance.candidates import CandidateConfig, Scene, select
from grasp_affordance.affordance.seal.seal import SealConfig, seal_prior
from grasp_affordance.affordance.surface.surface import observe_surface
from grasp_affordance.cell import Cup
from grasp_affordance.errors import CheckpointError, ConfigError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Failures, Selection, Source

Image = NDArray[np.float32]

_SOURCES = (Source.PRIOR, Source.LEARNED, Source.BLEND)
_CERTAIN = 1e-4  # probabilities are kept this far from 0 and 1 where their logit is taken


class AffordanceModel(Protocol):
    """A learned map; whatever framework is behind it stays there."""

    def predict(
        self,
        frame: RgbdFrame,
        region: NDArray[np.bool_] | None = None,
        *,
        up: NDArray[np.float64] | None = None,
        prior: Image | None = None,
    ) -> Image:
        """Return the probability (H, W) float32 of a successful pick at each pixel.

        Args:
            region: (H, W) bool; outside its bounding box the map is not looked at.
            up: (3,) unit vector against gravity, camera frame.
            prior: (H, W) float32, the seal prior of the same view.
        """


@dataclass(frozen=True)
class PredictorConfig:
    """How suction points are found.

    Attributes:
        source: of the map: prior, learned, or blend.
        blend: weight of the learned map's logit against the prior's, in [0, 1].
        minimum_depth: share of the pixels that must have depth.
        cup: at the end of the arm.
        seal: tolerances of the prior.
        region: how objects are told from the background.
        candidates: which points are offered.
    """

    source: Source = Source.PRIOR
    blend: float = 0.5
    minimum_depth: float = 0.01
    cup: Cup = field(default_factory=Cup)
    seal: SealConfig = field(default_factory=SealConfig)
    region: RegionConfig = field(default_factory=RegionConfig)
    candidates: CandidateConfig = field(default_factory=CandidateConfig)

    def __post_init__(self) -> None:
        if self.source not in _SOURCES:
            raise ConfigError(f"source '{self.source}' has no map; use {', '.join(_SOURCES)}")
        if not 0 <= self.blend <= 1 or not 0 <= self.minimum_depth <= 1:
            raise ConfigError("predictor: blend and minimum_depth must be in [0, 1]")


@dataclass(frozen=True, eq=False)
class Prediction:
    """One view's answer.

    Attributes:
        affordance: (H, W) float32 in [0, 1], 0 outside `allowed`.
        raw: (H, W) float32 in [0, 1], the source's own map; a model's covers the bounding box of
            `allowed` only.
        allowed: (H, W) bool, pixels of objects in the bin.
        selection: ranked points and what was rejected.
        scene: surface, seal and region behind it, on the working grid.
    """

    affordance: Image
    raw: Image
    allowed: NDArray[np.bool_]
    selection: Selection
    scene: Scene


class AffordancePredictor:
    """Finds suction points; holds no state between frames but the model.

    Raises:
        CheckpointError: the source needs a model and there is none.
    """

    def __init__(
        self, config: PredictorConfig | None = None, model: AffordanceModel | None = None
    ) -> None:
        self.config = config or PredictorConfig()
        self.model = model
        if self.config.source is not Source.PRIOR and model is None:
            raise CheckpointError(
                f"source '{self.config.source}' needs trained weights; give a checkpoint or use "
                "source 'prior'"
            )

    def predict(
        self,
        frame: RgbdFrame,
        view: BinView | None = None,
        failures: Failures | None = None,
    ) -> Prediction:
        """Find suction points in one frame.

        Args:
            frame: color and aligned depth.
            view: what is known about the bin and the camera's pose.
            failures: what just failed, and where nothing may be offered.

        Raises:
            FrameError: too little depth, or an empty-bin frame or model map of another size.
        """
        frame.require_depth(self.config.minimum_depth)
        view = view or BinView()
        cup = self.config.cup
        surface = observe_surface(frame, cup.radius)
        # The same frame always yields the same points: the generator starts anew.
        rng = np.random.default_rng(0)
        region = find_region(surface, view, cup.radius, rng, self.config.region)
        seal = seal_prior(surface, cup, region.up, self.config.seal, region.foreground)
        failures = failures or Failures()
        scene = Scene(surface, seal, region, cup.radius, view.T_base_camera, failures)
        prior = surface.to_image(seal.score)
        allowed = surface.mask_to_image(region.foreground)
        raw = self._map(frame, prior, allowed, region.up)
        selection = select_of(raw, scene, self.config.source, self.config.candidates)
        return Prediction(np.where(allowed, raw, np.float32(0)), raw, allowed, selection, scene)

    def _map(
        self, frame: RgbdFrame, prior: Image, allowed: NDArray[np.bool_], up: NDArray[np.float64]
    ) -> Image:
        if self.model is None or self.config.source is Source.PRIOR:
            return prior
        if not allowed.any():
            return np.zeros_like(prior)
        learned = self.model.predict(frame, allowed, up=up, prior=prior)
        if learned.shape != prior.shape:
            raise ConfigError(
                f"the model's map is {learned.shape}, the frame {prior.shape}; a model's predict() "
                "returns one value per pixel"
            )
        learned = np.clip(np.nan_to_num(learned, nan=0.0), 0, 1).astype(np.float32)
        if self.config.source is Source.LEARNED:
            return learned
        return blend(learned, prior, self.config.blend)


def select_of(raw: Image, scene: Scene, source: Source, config: CandidateConfig) -> Selection:
    """Offer the best points of a map (H, W), such as `Prediction.raw` by another configuration."""
    size = (scene.surface.shape[1], scene.surface.shape[0])
    scores = np.asarray(cv2.resize(raw, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    return select(scores, scene, source, config)


def best_anyway(prediction: Prediction, source: Source, config: CandidateConfig) -> Selection:
    """Offer the best points of a evaluated view, however little they promise."""
    return select_of(prediction.raw, prediction.scene, source, replace(config, min_probability=0.0))


def blend(learned: Image, prior: Image, weight: float) -> Image:
    """Mix two maps of probabilities in logits: `weight` of the learned, the rest of the prior.

    The source that is surer of a place weighs more there than in a mean of probabilities: what one
    holds for unlikely to succeed and the other for likely comes out as unlikely.
    """

    def logit(p: Image) -> Image:
        p = np.clip(p, _CERTAIN, 1 - _CERTAIN)
        return np.log(p / (1 - p))

    mixed = np.float32(weight) * logit(learned) + np.float32(1 - weight) * logit(prior)
    return (1 / (1 + np.exp(-mixed))).astype(np.float32)
