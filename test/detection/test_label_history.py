"""What a sequence says about each of its frames."""

from pathlib import Path

import numpy as np
import pytest
from helpers.annotation_scenes import INTRINSICS, Block, frame

from grasp_affordance.annotation.decisions import Decision, write_decisions
from grasp_affordance.annotation.pair import AnnotationConfig
from grasp_affordance.annotation.records import read_pairs
from grasp_affordance.annotation.result import Status
from grasp_affordance.annotation.sequence_labels import annotate_sequence
from grasp_affordance.detection.samples import GraspSample
from grasp_affordance.detection.training.dataset import DatasetConfig, read_samples
from grasp_affordance.detection.training.label_history import HistoryConfig
from grasp_affordance.errors import FrameError, SequenceError
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.sequence import Sequence, SequenceCamera, SequenceWriter

UNDER = Block(160, 120, length=80, width=26, angle=1.3, height=0.03)
UPON = Block(160, 120, length=70, width=24, angle=0.2, height=0.03, color=(200, 60, 40))
ASIDE = Block(60, 60, length=40, width=20, angle=1.0, color=(60, 160, 40))
STAYS = Block(260, 180, length=50, width=22, angle=0.6, height=0.04, color=(220, 200, 40))


def record(folder: Path, *stages: list[Block]) -> Path:
    """Write a sequence of these stages and its labels; return the folder of labels."""
    writer = SequenceWriter(folder / "sequence", SequenceCamera(INTRINSICS))
    for seed, blocks in enumerate(stages):
        writer.append(frame(*blocks, rng=np.random.default_rng(seed), holes=0.02))
    labels = folder / "labels"
    annotate_sequence(Sequence(folder / "sequence"), labels, AnnotationConfig())
    return labels


def on(sample: GraspSample, block: Block) -> list[GraspRectangle]:
    """Return the sample's grasps whose centre is on the block."""
    mask = block.mask()
    return [r for r in sample.rectangles if mask[round(r.y), round(r.x)]]


def known_share(sample: GraspSample, mask: np.ndarray) -> float:
    return float(sample.known[mask].mean())


def test_an_object_removed_later_is_labelled_in_every_frame_in_which_it_lay_free(
    tmp_path: Path,
) -> None:
    labels = record(tmp_path, [UNDER, UPON, ASIDE], [UNDER, ASIDE], [ASIDE], [ASIDE], [])
    first, second, third, fourth, _ = read_samples([labels])
    for sample in (first, second, third, fourth):
        assert len(on(sample, ASIDE)) >= 5
        assert known_share(sample, ASIDE.mask()) > 0.95
    assert len(on(second, UNDER)) >= 5


def test_what_lies_under_another_is_known_not_to_be_graspable(tmp_path: Path) -> None:
    labels = record(tmp_path, [UNDER, UPON, ASIDE], [UNDER, ASIDE], [ASIDE], [])
    first = read_samples([labels])[0]
    visible = UNDER.mask() & ~UPON.mask()
    assert not [r for r in first.rectangles if visible[round(r.y), round(r.x)]]
    assert known_share(first, visible) > 0.9


def test_an_object_that_is_never_removed_is_unknown_and_the_empty_floor_is_not(
    tmp_path: Path,
) -> None:
    labels = record(tmp_path, [UPON, ASIDE, STAYS], [ASIDE, STAYS], [STAYS])
    for sample in read_samples([labels]):
        assert known_share(sample, STAYS.mask()) < 0.02
        nothing = ~(STAYS.mask() | UPON.mask() | ASIDE.mask())
        assert known_share(sample, nothing) > 0.85


def test_an_object_that_moved_meanwhile_is_unknown_where_it_lay_before(tmp_path: Path) -> None:
    moved = Block(100, 200, length=40, width=20, angle=0.3, color=(60, 160, 40))
    before = Block(95, 170, length=40, width=20, angle=0.5, color=(60, 160, 40))
    # UPON leaves; then the other rolls, which the gates reject; then it leaves as well
    labels = record(tmp_path, [UPON, before], [before], [moved], [])
    first = read_samples([labels])[0]
    assert not on(first, before)
    assert known_share(first, before.mask()) < 0.1


@pytest.mark.parametrize("height", [0.06, 0.02])
def test_a_neighbour_where_the_plates_come_down_makes_a_known_negative(
    tmp_path: Path, height: float
) -> None:
    """Also one that is no higher than the object: plates have to reach half its width down."""
    low = Block(160, 120, length=80, width=20, angle=0.0, height=0.04)
    beside = Block(160, 144, 80, 20, 0.0, height=height + 0.01, color=(200, 60, 40))
    first, second = read_samples([record(tmp_path, [low, beside], [low], [])])[:2]
    assert len(on(second, low)) >= 5
    assert not on(first, low)
    assert known_share(first, low.mask()) > 0.95


def test_a_neighbour_hinders_the_label_of_the_frames_own_removal_too(tmp_path: Path) -> None:
    removed = Block(160, 120, length=80, width=20, angle=0.0, height=0.04)
    beside = Block(160, 144, 80, 20, 0.0, height=0.05, color=(200, 60, 40))
    labels = record(tmp_path, [removed, beside], [beside], [])
    assert not on(read_samples([labels])[0], removed)
    every = DatasetConfig(history=HistoryConfig(check_room=False))
    assert len(on(read_samples([labels], every)[0], removed)) >= 5


@pytest.mark.parametrize(("v", "height"), [(154, 0.05), (144, 0.008)], ids=["apart", "low"])
def test_a_neighbour_further_away_or_below_the_plates_does_not_hinder(
    tmp_path: Path, v: float, height: float
) -> None:
    block = Block(160, 120, length=80, width=20, angle=0.0, height=0.04)
    beside = Block(160, v, 80, 20, 0.0, height=height, color=(200, 60, 40))
    labels = record(tmp_path, [block, beside], [beside], [])
    assert len(on(read_samples([labels])[0], block)) >= 5


def test_where_depth_beside_an_object_is_missing_its_grasp_is_unknown(tmp_path: Path) -> None:
    block = Block(160, 120, length=80, width=20, angle=0.0, height=0.04)
    writer = SequenceWriter(tmp_path / "sequence", SequenceCamera(INTRINSICS))
    for seed, blocks in enumerate([[block], []]):
        view = frame(*blocks, rng=np.random.default_rng(seed))
        view.depth[132:140, 100:220] = np.nan
        writer.append(view)
    labels = tmp_path / "labels"
    annotate_sequence(Sequence(tmp_path / "sequence"), labels, AnnotationConfig())
    assert read_pairs(labels).pairs[0].rectangles
    first = read_samples([labels, record(tmp_path / "other", [ASIDE], [])])[0]
    assert not on(first, block)
    assert known_share(first, block.mask()) < 0.5


def test_a_reviewers_word_counts(tmp_path: Path) -> None:
    labels = record(tmp_path, [UPON, ASIDE], [ASIDE], [])
    corrected = GraspRectangle(60.0, 60.0, 1.0, 9.0, 22.0)
    write_decisions(labels, {0: Decision(False), 1: Decision(True, (corrected,))})
    first, second, _ = read_samples([labels])
    assert not on(first, UPON)
    assert known_share(first, UPON.mask()) < 0.05
    assert first.rectangles == second.rectangles == (corrected,)


def test_a_pair_rejected_by_a_gate_is_never_used(tmp_path: Path) -> None:
    """Two objects leave at once: both become unknown, in this and in earlier frames."""
    labels = record(tmp_path, [UPON, ASIDE, STAYS], [UPON, ASIDE], [])
    assert [pair.status for pair in read_pairs(labels).pairs] == [
        Status.ANNOTATED,
        Status.REJECTED,
    ]
    for sample in read_samples([labels])[:2]:
        for block in (UPON, ASIDE):
            assert not on(sample, block)
            assert known_share(sample, block.mask()) < 0.05


def test_labels_are_not_carried_across_a_moved_camera(tmp_path: Path) -> None:
    def shift(blocks: list[Block]) -> list[Block]:
        return [
            Block(b.u - 14, b.v + 9, b.length, b.width, b.angle, b.height, b.color) for b in blocks
        ]

    folder = tmp_path
    writer = SequenceWriter(folder / "sequence", SequenceCamera(INTRINSICS))
    stages = [[UPON, ASIDE, STAYS], [ASIDE, STAYS]]
    views = [frame(*blocks, rng=np.random.default_rng(n)) for n, blocks in enumerate(stages)]
    moved = [frame(*shift(b), rng=np.random.default_rng(9)) for b in ([ASIDE, STAYS], [STAYS])]
    for view in (
        *views,
        *(type(v)(np.roll(v.color, (9, -14), (0, 1)), v.depth, v.intrinsics) for v in moved),
    ):
        writer.append(view)
    labels = folder / "labels"
    content = annotate_sequence(Sequence(folder / "sequence"), labels, AnnotationConfig())
    assert content.pairs[1].status is Status.REJECTED
    first = read_samples([labels])[0]
    assert on(first, UPON)
    assert not on(first, ASIDE)


def test_the_papers_way_labels_one_object_and_calls_the_rest_background(tmp_path: Path) -> None:
    labels = record(tmp_path, [UPON, ASIDE], [ASIDE], [])
    paper = DatasetConfig(unlabelled_is_background=True, history=HistoryConfig(carry_back=False))
    samples = read_samples([labels], paper)
    assert [len(on(sample, ASIDE)) > 0 for sample in samples] == [False, True]
    assert all(sample.known.all() for sample in samples)


def test_the_bins_polygon_becomes_the_region(tmp_path: Path) -> None:
    polygon = np.array([[20.0, 20.0], [300.0, 20.0], [300.0, 220.0], [20.0, 220.0]])
    writer = SequenceWriter(tmp_path / "sequence", SequenceCamera(INTRINSICS, region=polygon))
    for n, blocks in enumerate([[UPON], []]):
        writer.append(frame(*blocks, rng=np.random.default_rng(n)))
    labels = tmp_path / "labels"
    annotate_sequence(Sequence(tmp_path / "sequence"), labels, AnnotationConfig())
    region = read_samples([labels])[0].region
    assert region is not None
    assert region[120, 160]
    assert not region[5, 5]


def test_folders_without_labels_end_with_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="annotate first"):
        read_samples([tmp_path])
    with pytest.raises(SequenceError, match="no usable rectangle"):
        read_samples([])
    labels = record(tmp_path, [UPON, ASIDE], [ASIDE])
    write_decisions(labels, {0: Decision(False)})
    with pytest.raises(SequenceError, match="no usable rectangle"):
        read_samples([labels])


def test_a_missing_frame_or_mask_is_named(tmp_path: Path) -> None:
    labels = record(tmp_path, [UPON, ASIDE], [ASIDE], [])
    mask = next(labels.glob("0000.mask.png"))
    mask.rename(tmp_path / "kept.png")
    with pytest.raises(SequenceError, match=r"0000\.mask\.png"):
        read_samples([labels])
    (tmp_path / "kept.png").rename(mask)
    for image in (tmp_path / "sequence").glob("0002.*.png"):
        image.unlink()
    with pytest.raises(SequenceError, match="frame 0002"):
        read_samples([labels])


def test_a_known_area_of_another_size_is_refused() -> None:
    with pytest.raises(FrameError, match="known is bool"):
        GraspSample("x", frame(), (), np.ones((10, 10), bool))
