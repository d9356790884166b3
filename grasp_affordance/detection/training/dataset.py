"""Samples for a detector from the label folders of `grasp-affordance annotate`."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from grasp_affordance.affordance.bin.region import BinView, find_region
from grasp_affordance.affordance.surface.surface import observe_surface
from grasp_affordance.annotation.change.scene_change import observed_area
from grasp_affordance.annotation.decisions import Decision, decided_rectangles, read_decisions
from grasp_affordance.annotation.records import PairRecord, read_mask, read_pairs
from grasp_affordance.annotation.result import Reason
from grasp_affordance.detection.room import rectangle_mask
from grasp_affordance.detection.samples import GraspSample
from grasp_affordance.detection.training.label_history import (
    FrameLabels,
    HistoryConfig,
    Mask,
    Removal,
    frame_labels,
)
from grasp_affordance.errors import SequenceError
from grasp_affordance.files import inside
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence as Recording
from grasp_affordance.sequence import SequenceCamera

_log = logging.getLogger(__name__)

# Pairs after which it is not known what a pixel shows.
_INCOMPARABLE = {
    Reason.DIFFERENT_CAMERA,
    Reason.WRONG_DEPTH_UNIT,
    Reason.NO_DEPTH,
    Reason.CAMERA_MOVED,
    Reason.TOO_MUCH_CHANGED,
}
_SCALE = 0.010  # metres: smallest things that the search for the floor looks at
_FOLD = 5
_LEAST_KNOWN = 0.02  # of a frame without grasps must be known for it to teach anything


@dataclass(frozen=True)
class DatasetConfig:
    """How label folders become samples.

    Attributes:
        unlabelled_is_background: teach that there is no grasp wherever there is no label, as the
            paper does; otherwise only where it is known.
        history: when an object's rectangles are also used in earlier frames, in which it lay as
            free as when it was removed. The paper labels one object per frame.
    """

    unlabelled_is_background: bool = False
    history: HistoryConfig = field(default_factory=HistoryConfig)


def read_samples(
    folders: Sequence[Path], config: DatasetConfig | None = None
) -> tuple[GraspSample, ...]:
    """Read label folders; every frame of which something is known becomes a sample.

    Pairs that a gate or a reviewer rejected are never used; corrected rectangles replace automatic
    ones.

    Raises:
        SequenceError: a folder holds no labels, its sequence or a mask is missing or unreadable, or
            there is no rectangle in any folder.
    """
    samples = tuple(sample for folder in folders for sample in read_folder(Path(folder), config))
    if not any(sample.rectangles for sample in samples):
        names = ", ".join(map(str, folders)) or "no folder"
        raise SequenceError(
            f"no usable rectangle in {names}; look at the reasons in pairs.json, or accept pairs "
            "with grasp-affordance review"
        )
    return samples


def read_folder(folder: Path, config: DatasetConfig | None = None) -> tuple[GraspSample, ...]:
    """Read one label folder; see `read_samples`. It may hold nothing to learn from."""
    config = config or DatasetConfig()
    content, decisions = read_pairs(folder), read_decisions(folder)
    recording = Recording(content.sequence)
    single = bool(content.pairs) and all(pair.frames[1] is None for pair in content.pairs)
    names = (
        [pair.frames[0] for pair in content.pairs]
        if single
        else _frame_names(folder, content.pairs)
    )
    missing = sorted(set(names) - set(recording.names))
    if missing:
        raise SequenceError(
            f"{folder} labels frame {missing[0]}, which {recording.folder} does not have; annotate "
            "anew"
        )
    frames = [recording.read(name) for name in names]
    region = recording.camera.region
    inside_region = None if region is None else observed_area(frames[0].shape, region, 0)[0]
    if single:
        return tuple(
            GraspSample(
                f"{folder.name}/{pair.frames[0]}",
                frame,
                rectangles,
                _known_of_image(folder, pair, rectangles, frame, config),
                inside_region,
            )
            for pair, frame in zip(content.pairs, frames, strict=True)
            if (rectangles := decided_rectangles(pair, decisions.get(pair.index)))
        )
    removals = [
        _removal(folder, pair, decisions.get(pair.index), frames[0].shape) for pair in content.pairs
    ]
    labels = _labels(frames, removals, recording.camera, config)
    return tuple(
        GraspSample(f"{folder.name}/{name}", frame, label.rectangles, label.known, inside_region)
        for name, frame, label in zip(names, frames, labels, strict=True)
        if label.rectangles
        or (not config.unlabelled_is_background and label.known.mean() >= _LEAST_KNOWN)
    )


def split_folders(
    folders: Sequence[Path], validation: Sequence[Path], config: DatasetConfig | None = None
) -> tuple[tuple[GraspSample, ...], tuple[GraspSample, ...]]:
    """Return samples to train on and samples to validate on.

    Without `validation` folders every fifth folder is held out whole: frames of one sequence show
    the same objects. Of a single folder the last fifth of the frames is held out, which are easier
    than new objects would be.

    Raises:
        SequenceError: as `read_samples`.
    """
    if validation:
        return read_samples(folders, config), read_samples(validation, config)
    if len(folders) > 1:
        held = [folder for index, folder in enumerate(folders) if index % _FOLD == 1]
        rest = [folder for index, folder in enumerate(folders) if index % _FOLD != 1]
        return read_samples(rest, config), read_samples(held, config)
    samples = list(read_samples(folders, config))
    labelled = [sample for sample in samples if sample.rectangles]
    if len(labelled) < _FOLD:
        return tuple(samples), ()
    first = samples.index(labelled[-(len(labelled) // _FOLD)])
    _log.warning("validation frames are of the same sequence: they show objects that training saw")
    return tuple(samples[:first]), tuple(samples[first:])


def _labels(
    frames: Sequence[RgbdFrame],
    removals: Sequence[Removal],
    camera: SequenceCamera,
    config: DatasetConfig,
) -> list[FrameLabels]:
    background = background_of(frames[-1], camera)
    depths = [frame.depth for frame in frames]
    labels = [
        frame_labels(index, depths, removals, background, camera.intrinsics, config.history)
        for index in range(len(frames))
    ]
    if config.unlabelled_is_background:
        return [replace(label, known=np.ones_like(background)) for label in labels]
    return labels


def background_of(frame: RgbdFrame, camera: SequenceCamera) -> Mask:
    """Return the pixels (H, W) that surely show no object: floor, walls, outside of the bin.

    Objects may have stayed in the bin after the last removal. Where neither the bin's box nor its
    floor can be seen, nothing is sure.
    """
    if not frame.known.any():
        return np.zeros(frame.shape, bool)
    surface = observe_surface(frame, _SCALE)
    view = BinView(camera.T_base_camera, camera.bin, camera.region)
    region = find_region(surface, view, _SCALE / 2, np.random.default_rng(0))
    if region.floor is None:
        return np.zeros(frame.shape, bool)
    return frame.known & ~surface.mask_to_image(region.foreground)


def _known_of_image(
    folder: Path,
    pair: PairRecord,
    rectangles: Sequence[GraspRectangle],
    frame: RgbdFrame,
    config: DatasetConfig,
) -> Mask:
    """Return where a label that others made says all: everywhere but on the rest of its object."""
    known = np.ones(frame.shape, bool)
    if pair.mask is not None and not config.unlabelled_is_background:
        known &= ~_mask(folder, pair.mask, frame.shape)
        for rectangle in rectangles:
            known |= rectangle_mask(rectangle, frame.shape)
    return known


def _mask(folder: Path, name: str, shape: tuple[int, int]) -> Mask:
    mask = read_mask(inside(folder, name))
    if mask.shape != shape:
        raise SequenceError(f"{folder / name} is of another size than its frame")
    return mask


def _frame_names(folder: Path, pairs: Sequence[PairRecord]) -> list[str]:
    if not pairs:
        raise SequenceError(f"{folder}: pairs.json holds no pair")
    for pair, following in pairwise(pairs):
        if pair.frames[1] != following.frames[0]:
            raise SequenceError(
                f"{folder}: pair {following.index} begins with frame {following.frames[0]}, not "
                f"with {pair.frames[1]}; pairs.json is not of one sequence"
            )
    names = [pair.frames[0] for pair in pairs]
    return names if (last := pairs[-1].frames[1]) is None else [*names, last]


def _removal(
    folder: Path, pair: PairRecord, decision: Decision | None, shape: tuple[int, int]
) -> Removal:
    rectangles = decided_rectangles(pair, decision)
    if pair.reason in _INCOMPARABLE:
        return Removal(None, rectangles)
    files = {region.mask for region in pair.regions} | ({pair.mask} if pair.mask else set())
    masks = [_mask(folder, name, shape) for name in sorted(files)]
    if not masks:  # nothing left, unless a reviewer says so
        return Removal(None if rectangles else np.zeros(shape, bool), rectangles)
    return Removal(np.logical_or.reduce(masks), rectangles)
