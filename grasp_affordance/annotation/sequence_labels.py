"""Annotation of a whole sequence into a folder that is complete or not there."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from grasp_affordance.annotation.change.difference import Mask
from grasp_affordance.annotation.change.region import ChangeRegion
from grasp_affordance.annotation.drawing import draw_pair
from grasp_affordance.annotation.formats.label_folder import claim_labels, complete_folder
from grasp_affordance.annotation.pair import AnnotationConfig, PairAnnotation, annotate_pair
from grasp_affordance.annotation.records import (
    DECISIONS_FILE,
    PAIRS_FILE,
    PairRecord,
    PairsFile,
    RegionRecord,
    write_image,
    write_mask,
    write_pairs,
)
from grasp_affordance.errors import SequenceError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence

Progress = Callable[[PairRecord], None]
Annotated = tuple[tuple[str, str], RgbdFrame, PairAnnotation]
_LEAST_SHARE = 0.05  # of the lower object's mask; less is a frayed outline


def annotate_pairs(sequence: Sequence, config: AnnotationConfig) -> Iterator[Annotated]:
    """Yield the names of the frames, the first frame, and the annotation of each pair in order.

    Raises:
        SequenceError: the sequence has fewer than two frames, or a frame cannot be read.
    """
    if len(sequence) < 2:
        raise SequenceError(f"{sequence.folder}: annotation needs two frames, it has one")
    frames = iter(sequence)
    name, before = next(frames)
    for next_name, after in frames:
        yield (
            (name, next_name),
            before,
            annotate_pair(before, after, config, sequence.camera.region),
        )
        name, before = next_name, after


def annotate_sequence(
    sequence: Sequence, output: Path, config: AnnotationConfig, progress: Progress | None = None
) -> PairsFile:
    """Label every consecutive pair of a sequence into the folder `output`.

    After an error, or a kill, there is no half-written folder of labels.

    Raises:
        SequenceError: a frame cannot be read, or `output` holds something to lose: reviewed labels,
            or files that are no labels. Other labels in it are replaced.
    """
    return write_labels(sequence, output, annotate_pairs(sequence, config), progress)


def write_labels(
    sequence: Sequence,
    output: Path,
    annotated: Iterable[Annotated],
    progress: Progress | None = None,
) -> PairsFile:
    """Write labels of a sequence's pairs, wherever they come from; see `annotate_sequence`.

    Args:
        sequence: that the frames are of.
        output: folder to make.
        annotated: what `annotate_pairs` yields, for all pairs in order.
        progress: told of each pair.

    Raises:
        BusyError: labels in `output` are open on a review page.
        SequenceError: as `annotate_sequence`.
    """
    refuse_existing(output)
    with ExitStack() as stack:
        if (output / PAIRS_FILE).exists():
            stack.enter_context(claim_labels(output))
            refuse_existing(output)  # nobody has decided until the folder was ours
        folder = stack.enter_context(complete_folder(output))
        return _write_labels(sequence, folder, annotated, progress)


def refuse_existing(output: Path) -> None:
    """Raise SequenceError if `output` holds anything but labels that nobody has reviewed."""
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    if (output / DECISIONS_FILE).exists():
        raise SequenceError(f"{output} holds reviewed labels; choose another folder")
    if not (output / PAIRS_FILE).exists():
        raise SequenceError(f"{output} exists and holds no labels; choose another folder")


def count_reasons(pairs: tuple[PairRecord, ...]) -> dict[str, int]:
    """Count the ends of the pairs: `annotated`, or the name of the reason."""
    return dict(Counter(str(pair.reason or pair.status) for pair in pairs).most_common())


def _write_labels(
    sequence: Sequence, folder: Path, annotated: Iterable[Annotated], progress: Progress | None
) -> PairsFile:
    records: list[PairRecord] = []
    masks: dict[int, Mask] = {}
    for index, (frames, before, pair) in enumerate(annotated):
        record = _write_pair(folder, index, frames, before, pair)
        if pair.region is not None:
            masks[index] = pair.region.mask
        records.append(record)
        if progress is not None:
            progress(record)
    over = covered_by(masks)
    ordered = tuple(
        replace(
            record,
            covered_by=over.get(record.index, ()),
            still_covered=still_covered(over, record.index),
        )
        for record in records
    )
    content = PairsFile(str(sequence.folder.resolve()), sequence.camera.to_dict(), ordered)
    write_pairs(folder, content)
    return content


def _write_pair(
    folder: Path, index: int, frames: tuple[str, str], before: RgbdFrame, pair: PairAnnotation
) -> PairRecord:
    stem = frames[0]
    regions = []
    for number, region in enumerate(pair.regions):
        main = pair.annotated and region is pair.region
        name = f"{stem}.mask.png" if main else f"{stem}.region{number}.png"
        write_mask(folder / name, region.mask)
        regions.append(_region_record(region, name))
    picture = None
    if pair.change is not None:
        picture = f"{stem}.picture.png"
        write_image(folder / picture, draw_pair(before.color, pair))
    return PairRecord(
        index=index,
        frames=frames,
        status=pair.pair_result.status,
        reason=pair.pair_result.reason,
        detail=pair.pair_result.detail,
        rectangles=pair.rectangles,
        mask=f"{stem}.mask.png" if pair.annotated else None,
        picture=picture,
        regions=tuple(regions),
    )


def _region_record(region: ChangeRegion, mask: str) -> RegionRecord:
    return RegionRecord(
        pixels=region.pixels,
        area=region.area,
        volume=region.volume,
        height=region.height,
        centre=region.centre,
        unknown=region.unknown,
        mask=mask,
    )


def covered_by(masks: Mapping[int, Mask]) -> dict[int, tuple[int, ...]]:
    """Return for each removal the earlier ones whose object lay upon its object.

    Args:
        masks: (H, W) per index of removal, each in the frame before that removal. In a static view
            an object that overlaps the mask of one removed later was nearer to the camera.
    """
    over: dict[int, tuple[int, ...]] = {}
    for index, mask in masks.items():
        least = _LEAST_SHARE * max(int(np.count_nonzero(mask)), 1)
        over[index] = tuple(
            earlier
            for earlier, other in masks.items()
            if earlier < index and np.count_nonzero(mask & other) >= least
        )
    return over


def still_covered(over: Mapping[int, tuple[int, ...]], index: int) -> tuple[int, ...]:
    """Return the later removals whose object was covered in the frame before removal `index`."""
    return tuple(
        later
        for later, coverers in over.items()
        if later > index and any(coverer >= index for coverer in coverers)
    )
