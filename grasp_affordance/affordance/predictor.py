"""The facade: a frame in, an affordance map and ranked suction points out."""

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.bin.interior import window_of
from grasp_affordance.affordance.bin.region import BinView, RegionConfig, find_region
from grasp_affordance.affordance.candidates import CandidateConfig, Scene, select
from grasp_affordance.affordance.doubt import doubt
from grasp_affordance.affordance.seal.seal import SealConfig, seal_prior
from grasp_affordance.affordance.surface.surface import observe_surface
from grasp_affordance.arrays import Image
from grasp_affordance.cell import Cup
from grasp_affordance.errors import CheckpointError, ConfigError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Failures, Selection, Source

_SURROUNDINGS = 6.0  # cup radii: farther away nothing says how well a cup seals
_SOURCES = (Source.PRIOR, Source.LEARNED)


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
        source: of the map: prior or learned.
        minimum_depth: share of the pixels that must have depth.
        cup: at the end of the arm.
        seal: tolerances of the prior.
        region: how objects are told from the background.
        candidates: which points are offered.
    """

    source: Source = Source.PRIOR
    minimum_depth: float = 0.01
    cup: Cup = field(default_factory=Cup)
    seal: SealConfig = field(default_factory=SealConfig)
    region: RegionConfig = field(default_factory=RegionConfig)
    candidates: CandidateConfig = field(default_factory=CandidateConfig)

    def __post_init__(self) -> None:
        if self.source not in _SOURCES:
            raise ConfigError(f"source '{self.source}' has no map; use {', '.join(_SOURCES)}")
        if not 0 <= self.minimum_depth <= 1:
            raise ConfigError("predictor: minimum_depth must be in [0, 1]")


@dataclass(frozen=True, eq=False)
class Look:
    """What geometry says of one view; the same for every map.

    Attributes:
        allowed: (H, W) bool, pixels of objects in the bin.
        prior: (H, W) float32 in [0, 1], the seal prior.
        scene: surface, seal and region behind it, on the working grid.
    """

    allowed: NDArray[np.bool_]
    prior: Image
    scene: Scene


@dataclass(frozen=True, eq=False)
class Prediction(Look):
    """One view's answer.

    Attributes:
        affordance: (H, W) float32 in [0, 1], 0 outside `allowed`.
        raw: (H, W) float32 in [0, 1], the source's own map, lowered by what is not known (see
            `doubt`); a model's covers the bounding box of `allowed` only.
        source: of the map.
        limits: which points of it may be offered.
        selection: ranked points and what was rejected.
    """

    affordance: Image
    raw: Image
    source: Source
    limits: CandidateConfig
    selection: Selection


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
        seen = look(frame, self.config, view, failures)
        raw = self._map(frame, seen)
        if not seen.scene.region.floor_known:
            raw = raw * seen.scene.surface.to_image(doubt(seen.scene.surface, seen.scene.region))
        source, limits = self.config.source, self.config.candidates.of(self.config.source)
        return Prediction(
            allowed=seen.allowed,
            prior=seen.prior,
            scene=seen.scene,
            affordance=np.where(seen.allowed, raw, np.float32(0)),
            raw=raw,
            source=source,
            limits=limits,
            selection=select_of(raw, seen.scene, source, limits),
        )

    def _map(self, frame: RgbdFrame, seen: Look) -> Image:
        if self.model is None or self.config.source is Source.PRIOR:
            return seen.prior
        if not seen.allowed.any():
            return np.zeros_like(seen.prior)
        up = seen.scene.region.up
        learned = self.model.predict(frame, seen.allowed, up=up, prior=seen.prior)
        if learned.shape != frame.shape:
            raise ConfigError(
                f"the model's map is {learned.shape}, the frame {frame.shape}; a model's predict() "
                "returns one value per pixel"
            )
        return np.clip(np.nan_to_num(learned, nan=0.0), 0, 1).astype(np.float32)


def look(
    frame: RgbdFrame,
    config: PredictorConfig,
    view: BinView | None = None,
    failures: Failures | None = None,
) -> Look:
    """Return what geometry says of a frame; see `AffordancePredictor.predict`.

    Raises:
        FrameError: too little depth, an empty-bin frame of another size, a view that contradicts
            the bin's box, or no bin of the sizes that are given.
    """
    frame.require_depth(config.minimum_depth)
    view = (view or BinView()).with_bin_found(frame)
    radius = config.cup.radius
    window = None
    if view.bin is not None and view.T_base_camera is not None:
        window = window_of(frame.intrinsics, view.bin, view.T_base_camera, _SURROUNDINGS * radius)
    surface = observe_surface(frame, radius, window)
    # The same frame always yields the same points: the generator starts anew.
    rng = np.random.default_rng(0)
    region = find_region(surface, view, radius, rng, config.region)
    seal = seal_prior(surface, config.cup, region.up, config.seal, region.foreground)
    scene = Scene(surface, seal, region, radius, view.T_base_camera, failures or Failures())
    allowed = surface.mask_to_image(region.foreground)
    return Look(allowed, surface.to_image(seal.score), scene)


def select_of(raw: Image, scene: Scene, source: Source, config: CandidateConfig) -> Selection:
    """Offer the best points of a map (H, W)."""
    return select(scene.surface.to_grid(raw), scene, source, config)


def best_anyway(prediction: Prediction) -> Selection:
    """Offer the best points of a view, however little they promise."""
    limits = replace(prediction.limits, min_probability=0.0)
    return select_of(prediction.raw, prediction.scene, prediction.source, limits)
