import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.annotation_scenes import INTRINSICS, Block, frame

from grasp_affordance.annotation.recording.from_recording import Recorder, record_stream
from grasp_affordance.annotation.recording.recorder import (
    REFUSALS,
    Reason,
    RecorderConfig,
    RecorderState,
    consider,
)
from grasp_affordance.cli import main
from grasp_affordance.errors import SequenceError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence, SequenceCamera, SequenceWriter

CONFIG = RecorderConfig(rest=0.3)
LOG = Block(160, 120, length=70, width=24, angle=0.4)
OTHER = Block(60, 60, length=40, width=20, angle=1.0, color=(200, 50, 50))
ARM = Block(160, 20, length=60, width=160, height=0.3, color=(90, 90, 90))
STEP = 100_000_000  # nanoseconds between frames


def stream(*stages: list[Block], each: int = 6, start: int = 0) -> Iterator[RgbdFrame]:
    number = start
    for blocks in stages:
        for _ in range(each):
            view = frame(*blocks, rng=np.random.default_rng(number), holes=0.02)
            yield replace(view, stamp_ns=number * STEP)
            number += 1


def reasons(frames: Iterator[RgbdFrame], config: RecorderConfig = CONFIG) -> list[Reason]:
    state, ends = RecorderState(), []
    for view in frames:
        state, decision = consider(state, view, view.stamp_ns, config)
        ends.append(decision.reason)
    return ends


def test_one_frame_is_kept_at_the_start_and_after_each_removal() -> None:
    ends = reasons(stream([LOG, OTHER], [LOG, OTHER, ARM], [OTHER], [OTHER, ARM], []))
    kept = [end for end in ends if end in (Reason.FIRST, Reason.CHANGED)]
    assert kept == [Reason.FIRST, Reason.CHANGED, Reason.CHANGED]


def test_a_resting_arm_in_view_is_waited_for() -> None:
    ends = reasons(stream([LOG], [ARM], each=8))
    assert Reason.INTRUDER in ends[8:]
    assert Reason.CHANGED not in ends


def test_nothing_is_kept_while_the_scene_moves() -> None:
    moving = [[replace(LOG, u=100 + 6 * k)] for k in range(10)]
    ends = reasons(stream(*moving, each=1))
    assert set(ends) <= {Reason.MOVING, Reason.RESTING}


def test_a_scene_that_does_not_change_is_kept_once() -> None:
    ends = reasons(stream([LOG], each=20))
    assert ends.count(Reason.FIRST) == 1
    assert ends[-1] is Reason.UNCHANGED


def test_a_moved_camera_is_refused_until_it_is_back() -> None:
    def shifted(view: RgbdFrame) -> RgbdFrame:
        color, depth = np.roll(view.color, 5, axis=1), np.roll(view.depth, 5, axis=1)
        return replace(view, color=color, depth=depth)

    first = list(stream([LOG, OTHER]))
    moved = [shifted(view) for view in stream([OTHER], start=6)]
    back = list(stream([OTHER], start=12))
    ends = reasons(iter([*first, *moved, *back]))
    assert ends[6:12][-1] is Reason.CAMERA_MOVED
    assert Reason.CHANGED not in ends[6:12]
    assert Reason.CHANGED in ends[12:]


def test_a_frame_stamped_by_a_clock_that_is_ahead_is_refused_with_the_offset() -> None:
    (first,) = stream([LOG], each=1)
    _, near = consider(RecorderState(), first, first.stamp_ns - 200_000_000, CONFIG, asked=True)
    assert near.keep
    _, far = consider(RecorderState(), first, first.stamp_ns - 20_000_000_000, CONFIG, asked=True)
    assert far.reason is Reason.STALE_FRAME
    assert "20.0 s ahead of the clock" in far.detail


def test_rest_is_measured_anew_when_the_clock_has_gone_back() -> None:
    before = [replace(view, stamp_ns=view.stamp_ns + 50 * 10**9) for view in stream([LOG], each=2)]
    ends = reasons(iter([*before, *stream([LOG], each=6, start=2)]))
    assert ends.count(Reason.FIRST) == 1


def test_old_frames_and_frozen_depth_are_refused() -> None:
    first, second = stream([LOG], each=2)
    state, _ = consider(RecorderState(), first, first.stamp_ns, CONFIG)
    _, old = consider(state, second, second.stamp_ns + 2_000_000_000, CONFIG, asked=True)
    assert old.reason is Reason.STALE_FRAME
    frozen = replace(second, depth=first.depth, color=second.color[::-1].copy())
    _, repeated = consider(state, frozen, second.stamp_ns, CONFIG, asked=True)
    assert repeated.reason is Reason.STALE_DEPTH


def test_too_much_change_is_refused_even_when_asked() -> None:
    state = RecorderState()
    first, second = stream([], [Block(160, 120, 260, 200)], each=1)
    state, _ = consider(state, first, first.stamp_ns, CONFIG, asked=True)
    _, decision = consider(state, second, second.stamp_ns, CONFIG, asked=True)
    assert decision.reason is Reason.TOO_MUCH_CHANGED
    assert decision.reason in REFUSALS
    assert not decision.keep


def test_a_frame_that_is_asked_for_waits_for_nothing() -> None:
    first, second = stream([LOG], each=2)
    state, decision = consider(RecorderState(), first, first.stamp_ns, CONFIG, asked=True)
    assert decision.keep
    state, decision = consider(state, second, second.stamp_ns, CONFIG, asked=True)
    assert decision.keep
    assert state.kept is second


def test_another_camera_and_missing_depth_are_refused() -> None:
    first, second = stream([LOG], each=2)
    state, _ = consider(RecorderState(), first, first.stamp_ns, CONFIG)
    other = replace(second, intrinsics=replace(INTRINSICS, fx=400.0))
    assert consider(state, other, other.stamp_ns, CONFIG)[1].reason is Reason.DIFFERENT_CAMERA
    blind = replace(second, depth=np.full_like(second.depth, np.nan))
    assert consider(state, blind, blind.stamp_ns, CONFIG)[1].reason is Reason.NO_DEPTH


def test_a_recorded_sequence_annotates(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    writer = SequenceWriter(
        raw, SequenceCamera(INTRINSICS, region=np.array([[5, 5], [315, 5], [160, 235]]))
    )
    for view in stream([LOG, OTHER], [LOG, OTHER, ARM], [OTHER], each=7):
        writer.append(view)
    assert main(["record", str(raw), "--output", str(tmp_path / "kept"), "--rest", "0.3"]) == 0
    kept = Sequence(tmp_path / "kept")
    assert len(kept) == 2
    assert kept.facts("0001")["recorded"] == "changed"
    assert kept.camera.region is not None
    labels = tmp_path / "labels"
    assert main(["annotate", str(tmp_path / "kept"), "--output", str(labels)]) == 0
    assert (labels / "0000.mask.png").is_file()


def test_a_stream_without_a_usable_frame_is_an_error(tmp_path: Path) -> None:
    moving = stream([LOG], [OTHER], [LOG], [OTHER], each=1)
    with pytest.raises(SequenceError, match="moving"):
        record_stream(moving, tmp_path / "kept", SequenceCamera(INTRINSICS), CONFIG)


def test_a_frame_that_cannot_be_written_is_offered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(tmp_path / "kept", SequenceCamera(INTRINSICS), CONFIG)
    first, second = stream([LOG], each=2)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("grasp_affordance.sequence.write_atomically", full)
        with pytest.raises(OSError, match="no space"):
            recorder.offer(first, first.stamp_ns, asked=True)
    decision, name = recorder.offer(second, second.stamp_ns, asked=True)
    assert (decision.reason, name) == (Reason.ASKED, "0000")


def test_a_killed_recorder_loses_at_most_the_frame_in_flight(tmp_path: Path) -> None:
    """A child writes frames without pause and is killed in the middle of one."""
    child = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from helpers.annotation_scenes import Block, INTRINSICS, frame
from grasp_affordance.annotation.recording.recorder import RecorderConfig
from grasp_affordance.annotation.recording.from_recording import Recorder
from grasp_affordance.sequence import SequenceCamera
recorder = Recorder({str(tmp_path / "kept")!r}, SequenceCamera(INTRINSICS), RecorderConfig())
while True:
    decision, name = recorder.offer(frame(Block(160, 120, 70, 24)), 0, asked=True)
    print(name, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    written = [process.stdout.readline().strip() for _ in range(5)]
    process.send_signal(signal.SIGKILL)  # while it is at the sixth
    written += process.stdout.read().split()
    process.wait()
    sequence = Sequence(tmp_path / "kept")
    assert len(sequence) >= len(written)
    for _, view in sequence:
        assert view.shape == (240, 320)


def test_a_half_written_frame_is_passed_over_but_a_lost_file_is_not(tmp_path: Path) -> None:
    writer = SequenceWriter(tmp_path, SequenceCamera(INTRINSICS))
    for view in stream([LOG], each=3):
        writer.append(view)
    (tmp_path / "0002.color.png").unlink()
    with pytest.raises(SequenceError, match=r"0002\.color\.png"):
        Sequence(tmp_path)
    (tmp_path / ".0002.unfinished").touch()
    assert Sequence(tmp_path).names == ("0000", "0001")
    assert SequenceWriter(tmp_path, SequenceCamera(INTRINSICS)).append(frame(LOG)) == "0003"
