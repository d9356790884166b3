"""A command that cannot read or write a file says so in one line."""

import errno
import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.annotation_scenes import LOG, OTHER, noisy
from rosbags.rosbag1 import Writer

from grasp_affordance import cli
from grasp_affordance.files import parse_json
from grasp_affordance.sequence import SequenceCamera, SequenceWriter

NOWHERE = Path("/proc/nobody writes here")  # not even root


@pytest.fixture
def sequence(tmp_path: Path) -> Path:
    """Two frames between which an object left."""
    folder = tmp_path / "sequence"
    first, second = noisy(LOG, OTHER), noisy(OTHER, seed=1)
    writer = SequenceWriter(folder, SequenceCamera(first.intrinsics))
    writer.append(first)
    writer.append(second)
    return folder


@pytest.fixture
def labels(sequence: Path, tmp_path: Path) -> Path:
    """What `annotate` makes of them."""
    folder = tmp_path / "labels"
    assert cli.main(["annotate", str(sequence), "--output", str(folder)]) == 0
    return folder


def only_line(capsys: pytest.CaptureFixture[str]) -> str:
    text = capsys.readouterr().err
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    return text


def test_a_folder_that_cannot_be_written_is_one_line(
    sequence: Path, labels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    frames = ["--rest", "0", "--changed", "0.0001"]
    for command in (
        ["record", str(sequence), "--output", str(NOWHERE), *frames],
        ["annotate", str(sequence), "--output", str(NOWHERE)],
        ["convert", str(labels), "--output", str(NOWHERE), "--to", "coco"],
        ["review", str(labels), "--sheet", str(NOWHERE / "sheet.png")],
        ["predict", str(sequence), "--output", str(NOWHERE)],
        ["train", "--output", str(NOWHERE), "--attempts", "1"],
    ):
        assert cli.main(command) == cli.FAILED, command
        assert str(NOWHERE) in only_line(capsys), command


def test_a_disk_that_takes_no_more_is_one_line(sequence: Path, labels: Path) -> None:
    code = "import sys; from grasp_affordance import cli; sys.exit(cli.main(sys.argv[1:]))"

    def small_disk() -> None:
        """No file may grow beyond a few bytes: the kernel refuses the write, as a full disk."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    for command in (
        ["record", str(sequence), "--output", str(sequence.parent / "a"), "--rest", "0"],
        ["annotate", str(sequence), "--output", str(sequence.parent / "b")],
        ["review", str(labels), "--reject", "0"],
    ):
        done = subprocess.run(
            [sys.executable, "-B", "-c", code, *command],
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=small_disk,
        )
        assert done.returncode == cli.FAILED, done
        error = done.stderr.strip().splitlines()[-1]
        assert error.startswith("error: "), done.stderr
        assert "File too large" in error
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free space"),
        (errno.EROFS, "choose a folder that you may write to"),
        (errno.EACCES, "choose a folder that you may write to"),
        (errno.EADDRINUSE, "choose another with --port"),
        (errno.EIO, "check the path and the disk"),
    ],
)
def test_errors_of_the_system_name_a_remedy(
    number: int, remedy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(module: str, prog: str, arguments: list[str]) -> int:
        raise OSError(number, "the reason", "some/file")

    monkeypatch.setattr(cli, "_run", fail)
    assert cli.main(["record"]) == cli.FAILED
    line = only_line(capsys)
    assert "the reason" in line
    assert "some/file" in line
    assert remedy in line


def test_a_bag_of_ros_1_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = tmp_path / "old.bag"
    with Writer(bag):
        pass
    for source in (bag, tmp_path):
        assert cli.main(["record", str(source), "--output", str(tmp_path / "new")]) == cli.FAILED
        line = only_line(capsys)
        assert "ROS 1" in line
        assert "rosbags-convert" in line


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"version": 1e999}', "[]", "3", '{"version": {}}']
)
def test_strange_json_of_labels_is_one_line(
    labels: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    for name, command in (
        ("decisions.json", ["review", str(labels), "--summary"]),
        ("pairs.json", ["review", str(labels), "--summary"]),
    ):
        (labels / name).write_text(text)
        assert cli.main(command) == cli.FAILED
        assert name in only_line(capsys)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "-Infinity", "1e999", "[" * 100_000, "{"])
def test_json_holds_finite_numbers_in_a_few_brackets(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_json(text)


def test_json_that_is_sound_is_read_as_it_is() -> None:
    value = {"a": [1, 2.5, None, True, "x"], "b": {"c": -1e300}}
    assert parse_json(json.dumps(value)) == value
    assert np.isfinite(parse_json("1e-400"))
