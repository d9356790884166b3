"""The attempt log survives kills, refuses foreign setups, and reads back what was written."""

import os
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grasp_affordance.annotation.pick_labels import PickLabels, write_labels
from grasp_affordance.attempt import Cause, GraspAttempt, Outcome, Phase, PhaseReport, PressureTrace
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.learning.log.attempt_codec import from_json, to_json
from grasp_affordance.learning.log.attempt_log import (
    AttemptLog,
    AttemptLogError,
    Retention,
    read_attempt,
    read_log,
)
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence, SequenceCamera
from grasp_affordance.suction import Source, SuctionPoint

CAMERA = SequenceCamera(Intrinsics(60, 60, 32, 24, 64, 48))
SETUP = {"cup_radius": 0.01, "bin": [0.4, 0.4, 0.12]}


def frame(stamp_ns: int) -> RgbdFrame:
    rng = np.random.default_rng(stamp_ns)
    depth = np.round(rng.uniform(0.5, 0.8, (48, 64)), 4).astype(np.float32)
    depth[:4] = np.nan
    color = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
    return RgbdFrame(color, depth, CAMERA.intrinsics, stamp_ns)


def attempt(index: int, outcome: Outcome = Outcome.SUCCESS) -> GraspAttempt:
    return GraspAttempt(
        index=index,
        stamp_ns=1_000_000_007 * (index + 1),
        point=SuctionPoint(
            10, 20, np.array([0.1, 0.2, 0.7]), np.array([0.0, 0.0, -1.0]), 0.25, Source.LEARNED
        ),
        T_base_camera=np.eye(4),
        T_base_tool=np.eye(4),
        outcome=outcome,
        cause=Cause.NONE if outcome is Outcome.SUCCESS else Cause.NO_SEAL,
        phases=(PhaseReport(Phase.APPROACH, 0.5, 3.0, float("nan")),),
        pressure=PressureTrace(np.array([0.0, 0.1]), np.array([0.0, 65.5], dtype=np.float32)),
        policy="compact",
        model_version="v3",
        before=frame(2 * index + 1),
        after=frame(2 * index + 3),
        true_outcome=Outcome.FAILURE,
        true_cause=Cause.LEAK_EDGE,
    )


def test_an_attempt_reads_back_as_it_was_written(tmp_path: Path) -> None:
    log = AttemptLog(tmp_path, CAMERA, SETUP)
    written = attempt(0)
    assert log.append(written) == 0
    read = read_attempt(tmp_path, 0)
    assert to_json(read, "a", "b") == to_json(written, "a", "b")
    assert read.before is not None
    assert written.before is not None
    np.testing.assert_array_equal(read.before.color, written.before.color)
    np.testing.assert_allclose(read.before.depth, written.before.depth, atol=0.5e-4)
    assert read.before.stamp_ns == written.before.stamp_ns


def test_the_json_form_of_an_attempt_is_its_own_inverse() -> None:
    data = to_json(attempt(3, Outcome.FAILURE), None, None)
    assert to_json(from_json(data), None, None) == data


def test_the_frame_after_a_pick_is_stored_once_when_it_precedes_the_next(tmp_path: Path) -> None:
    log = AttemptLog(tmp_path, CAMERA, SETUP)
    for index in range(3):
        log.append(attempt(index))
    assert len(list(tmp_path.glob("*.color.png"))) == 4


def test_the_log_of_a_robot_is_a_sequence_that_can_be_annotated(tmp_path: Path) -> None:
    AttemptLog(tmp_path, CAMERA, SETUP).append(attempt(0))
    assert [f.stamp_ns for _, f in Sequence(tmp_path)] == [1, 3]


def test_a_log_goes_on_where_it_ended(tmp_path: Path) -> None:
    AttemptLog(tmp_path, CAMERA, SETUP).append(attempt(0))
    again = AttemptLog(tmp_path, CAMERA, SETUP)
    assert len(again) == 1
    assert again.append(attempt(1)) == 1
    assert [a.index for a in read_log(tmp_path, frames=False)] == [0, 1]


def test_another_setup_is_refused_with_what_differs(tmp_path: Path) -> None:
    AttemptLog(tmp_path, CAMERA, SETUP)
    with pytest.raises(AttemptLogError, match=r"cup_radius was 0\.01, is 0\.02"):
        AttemptLog(tmp_path, CAMERA, {**SETUP, "cup_radius": 0.02})
    other = SequenceCamera(Intrinsics(61, 60, 32, 24, 64, 48))
    with pytest.raises(AttemptLogError, match=r"camera\.fx was"):
        AttemptLog(tmp_path, other, SETUP)


def test_an_unfinished_line_and_an_unfinished_frame_are_dropped(tmp_path: Path) -> None:
    AttemptLog(tmp_path, CAMERA, SETUP).append(attempt(0))
    with (tmp_path / "attempts.jsonl").open("ab") as file:
        file.write(b'{"index": 1, "poi')
    (tmp_path / "0002.depth.png").write_bytes(b"in flight")
    assert len(list(read_log(tmp_path))) == 1
    log = AttemptLog(tmp_path, CAMERA, SETUP)
    log.append(attempt(1))
    assert [a.index for a in read_log(tmp_path)] == [0, 1]


def test_retention_drops_old_frames_and_keeps_every_line(tmp_path: Path) -> None:
    log = AttemptLog(tmp_path, CAMERA, SETUP, Retention(attempts_with_frames=2))
    for index in range(5):
        log.append(attempt(index))
    attempts = list(read_log(tmp_path))
    assert [a.before is None for a in attempts] == [True, True, True, False, False]
    assert len(attempts) == 5


def test_retention_holds_for_labels_and_for_what_was_there_before(tmp_path: Path) -> None:
    log = AttemptLog(tmp_path, CAMERA, SETUP)
    for index in range(5):
        log.append(attempt(index))
        write_labels(tmp_path / "labels", f"{index:04d}", PickLabels(None, "none"), (0, 0))
    log.close()
    log = AttemptLog(tmp_path, CAMERA, SETUP, Retention(attempts_with_frames=3))

    def kept() -> list[str]:
        return sorted(path.stem for path in (tmp_path / "labels").iterdir())

    assert kept() == ["0002", "0003", "0004"]
    assert [a.before is None for a in read_log(tmp_path)] == [True, True, False, False, False]
    log.append(attempt(5))
    assert kept() == ["0003", "0004"]
    assert [a.before is None for a in read_log(tmp_path)] == [*[True] * 3, *[False] * 3]
    assert len(log) == 6


def test_no_attempt_gets_the_frames_of_a_later_one(tmp_path: Path) -> None:
    bare = replace(attempt(1), before=None, after=None)
    log = AttemptLog(tmp_path, CAMERA, SETUP, Retention(attempts_with_frames=1))
    log.append(attempt(0))
    log.append(bare)  # aborted: now no frame is left
    log.close()
    log = AttemptLog(tmp_path, CAMERA, SETUP, Retention(attempts_with_frames=1))
    log.append(attempt(2))
    assert [a.before is None for a in read_log(tmp_path)] == [True, True, False]
    log.close()


def test_a_log_of_many_attempts_takes_no_more_memory_than_one_of_few(tmp_path: Path) -> None:
    log = AttemptLog(tmp_path, CAMERA, SETUP, Retention(attempts_with_frames=5))
    bare = replace(attempt(0), before=None, after=None)
    taken = []
    tracemalloc.start()
    for _ in range(3):
        for _ in range(40):
            log.append(bare)
        taken.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert taken[2] - taken[1] < 20_000
    assert len(log) == sum(1 for _ in read_log(tmp_path)) == 120


def test_a_kill_amid_the_removal_of_old_frames_leaves_a_log_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for removed in range(4):
        folder = tmp_path / str(removed)
        log = AttemptLog(folder, CAMERA, SETUP, Retention(attempts_with_frames=1))
        log.append(attempt(0))
        with monkeypatch.context() as patch:
            written = 1  # the mark of the frame that is written before
            patch.setattr(Path, "unlink", _dies_after(written + removed))
            with pytest.raises(KeyboardInterrupt):
                log.append(attempt(1))
        log.close()
        assert [a.index for a in read_log(folder)] == [0, 1]
        assert [f.stamp_ns for _, f in Sequence(folder)][-2:] == [3, 5]
        log = AttemptLog(folder, CAMERA, SETUP, Retention(attempts_with_frames=1))
        log.append(attempt(2))
        assert [a.before is None for a in read_log(folder)] == [True, True, False]
        assert not list(folder.glob("0000*")), "what the kill left is removed"
        assert not list(folder.glob(".*.unfinished"))


def _dies_after(count: int) -> Callable[..., None]:
    """Return an `unlink` that a kill ends after so many files."""
    calls, unlink = iter(range(count)), Path.unlink

    def dying(path: Path, missing_ok: bool = False) -> None:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        unlink(path, missing_ok)

    return dying


def test_a_frame_that_an_old_version_removed_by_half_is_past_retention(tmp_path: Path) -> None:
    log = AttemptLog(tmp_path, CAMERA, SETUP)
    log.append(attempt(0))
    log.close()
    (tmp_path / "0000.depth.png").unlink()
    assert [a.before is None for a in read_log(tmp_path)] == [True]
    AttemptLog(tmp_path, CAMERA, SETUP)
    assert [f.stamp_ns for _, f in Sequence(tmp_path)] == [3]


def test_two_writers_do_not_get_one_log(tmp_path: Path) -> None:
    log = AttemptLog(tmp_path, CAMERA, SETUP)
    with pytest.raises(AttemptLogError, match="another process is writing"):
        AttemptLog(tmp_path, CAMERA, SETUP)
    log.close()
    with pytest.raises(AttemptLogError, match="closed"):
        log.append(attempt(0))
    AttemptLog(tmp_path, CAMERA, SETUP)


def test_an_attempt_with_an_unknown_pose_is_kept(tmp_path: Path) -> None:
    nowhere = np.full((4, 4), np.nan)
    refused = replace(attempt(0, Outcome.ABORTED), T_base_camera=nowhere, T_base_tool=nowhere)
    AttemptLog(tmp_path, CAMERA, SETUP).append(refused)
    (read,) = read_log(tmp_path)
    assert np.isnan(read.T_base_tool).all()
    assert read.T_base_camera.shape == (4, 4)
    assert read.T_base_camera.dtype == np.float64


def test_frames_of_another_camera_are_refused_and_the_log_goes_on(tmp_path: Path) -> None:
    log = AttemptLog(tmp_path, CAMERA, SETUP)
    other = replace(frame(1), intrinsics=Intrinsics(61, 60, 32, 24, 64, 48))
    with pytest.raises(AttemptLogError, match="restore the camera"):
        log.append(replace(attempt(0), before=other))
    assert log.append(attempt(0)) == 0


@pytest.mark.parametrize(
    ("line", "what"),
    [(b"\xff\xfe", "damaged"), (b"[1, 2]", "no JSON object"), (b"{}", "not an attempt")],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes, what: str) -> None:
    AttemptLog(tmp_path, CAMERA, SETUP).append(attempt(0))
    with (tmp_path / "attempts.jsonl").open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(AttemptLogError, match=what):
        list(read_log(tmp_path))


def test_a_full_disk_is_named_and_the_log_stays_whole(tmp_path: Path) -> None:
    AttemptLog(tmp_path, CAMERA, SETUP).append(attempt(0))
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000));"
    done = _run_writer(tmp_path, count=1, prelude=limit + "signal.signal(signal.SIGXFSZ, 1);")
    assert "AttemptLogError" in done.stderr
    assert "free space" in done.stderr
    assert [a.index for a in read_log(tmp_path)] == [0]
    assert AttemptLog(tmp_path, CAMERA, SETUP).append(attempt(1)) == 1


def test_nothing_announced_as_written_is_lost_by_a_kill(tmp_path: Path) -> None:
    for round_ in range(3):
        announced = _killed_writer(tmp_path, after_lines=2 + round_)
        present = len(list(read_log(tmp_path)))
        assert present >= announced
        AttemptLog(tmp_path, CAMERA, SETUP)  # repairs, and the next round goes on


_WRITER = """
import signal, sys
{prelude}
sys.path.insert(0, {folder!r})
from test_attempt_log import AttemptLog, CAMERA, SETUP, attempt
log = AttemptLog({path!r}, CAMERA, SETUP)
for _ in range({count}):
    print(log.append(attempt(len(log))), flush=True)
"""


def _writer(path: Path, count: int, prelude: str = "") -> list[str]:
    code = _WRITER.format(
        folder=str(Path(__file__).parent), path=str(path), count=count, prelude=prelude
    )
    # -B: a writer that may not write whole files must not leave half of a module's bytecode behind.
    return [sys.executable, "-B", "-c", code]


def _run_writer(path: Path, count: int, prelude: str) -> subprocess.CompletedProcess[str]:
    command = _writer(path, count, prelude)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _killed_writer(path: Path, after_lines: int) -> int:
    """Kill a writer at once after it announced some attempts; return how many are announced."""
    process = subprocess.Popen(_writer(path, 10_000), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    last = [int(process.stdout.readline()) for _ in range(after_lines)][-1]
    os.kill(process.pid, signal.SIGKILL)
    rest = process.stdout.read().split()
    process.wait()
    return max([last, *(int(line) for line in rest)]) + 1
