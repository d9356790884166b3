"""What people look at is what the robot saw and did: read back from real recordings."""

import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.recordings import Recorded, with_rerun, without_rerun
from helpers.training_sample_log import BIN, log_of, picked

from grasp_affordance.annotation.pick_labels import PickLabels, write_labels
from grasp_affordance.cli import main
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import transform_points
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.viewer import Recording, ViewerConfig

ARM = """<robot name="arm">
<link name="base_link"><visual><geometry><box size="0.1 0.1 0.1"/></geometry></visual></link>
<link name="upper"><visual><geometry><cylinder radius="0.02" length="0.3"/></geometry></visual>
</link>
<joint name="shoulder" type="revolute"><parent link="base_link"/><child link="upper"/>
<origin xyz="0 0 0.2"/><axis xyz="0 0 1"/>
<limit lower="-3" upper="3" effort="1" velocity="1"/></joint></robot>"""


@without_rerun
@pytest.mark.parametrize("command", [["watch"], ["attempts", "LOG", "view", "--save", "a.rrd"]])
def test_who_lacks_rerun_is_told_in_one_line_how_to_get_it(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log_of(tmp_path, 1)
    assert main([str(tmp_path) if word == "LOG" else word for word in command]) == 1
    told = capsys.readouterr().err
    assert 'pip install rerun-sdk, or "grasp_affordance[watch]"' in told
    assert told.count("\n") == 1


def test_a_recording_goes_to_one_place() -> None:
    with pytest.raises(ConfigError, match="choose one"):
        ViewerConfig(save=Path("a.rrd"), serve=True)
    with pytest.raises(ConfigError, match="port 0"):
        ViewerConfig(port=0)


@with_rerun
def test_without_a_display_the_other_places_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(ConfigError, match=r"no display.*--serve, --save FILE or --connect URL"):
        Recording(ViewerConfig(), "live", "cell")


@with_rerun
def test_the_views_of_a_log_show_images_labels_and_outcomes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, file = tmp_path / "log", tmp_path / "out" / "log.rrd"
    log_of(log, 4).close()
    before = picked(0).before
    assert before is not None
    mask = np.zeros(before.shape, bool)
    mask[20:40, 30:60] = True
    rectangle = GraspRectangle(40.0, 30.0, 0.5, 20.0, 10.0)
    write_labels(log / "labels", "0000", PickLabels(None, "", mask, None, (rectangle,)), (40, 30))
    assert main(["attempts", str(log), "view", "--save", str(file)]) == 0
    assert f"rerun {file}" in capsys.readouterr().out
    found = Recorded(file)
    jpegs = found.values("camera/before", "EncodedImage:blob")
    assert len(jpegs) == 4
    data = np.frombuffer(bytes(jpegs[0][0]), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert picture is not None
    color = picture[..., ::-1]
    assert np.abs(color.astype(int) - before.color).mean() < 2
    buffer = bytes(found.values("camera/before/mask", "Image:buffer")[0][0])
    shown = np.frombuffer(buffer, np.uint8).reshape(*before.shape, 4)[..., 3] > 0
    np.testing.assert_array_equal(shown, mask)
    strips = found.values("camera/before/rectangles", "LineStrips2D:strips")
    np.testing.assert_allclose(strips[0][0][:4], rectangle.corners(), atol=1e-4)
    assert strips[1] == []  # of the attempts without a label
    assert found.values("curve/success", "Scalars:scalars") == [[1], [0.5], [2 / 3], [0.5]]
    assert len(found.values("picks/success", "Scalars:scalars")) == 2
    assert len(found.values("picks/failure", "Scalars:scalars")) == 2
    texts = [text for (text,) in found.values("outcome", "TextDocument:text")]
    assert ["pick 1: failure, no seal" in text for text in texts] == [False, True, False, False]
    assert [row["attempt"] for row in found.rows["outcome"]] == [0, 1, 2, 3]
    assert "| 40% to 60% | 4 | 50% |" in found.values("calibration", "TextDocument:text")[-1][0]


@with_rerun
def test_the_cloud_and_the_point_lie_in_the_bin_in_the_base_frame(tmp_path: Path) -> None:
    attempt, file = picked(0), tmp_path / "a.rrd"
    assert attempt.before is not None
    with Recording(ViewerConfig(save=file), "log", "log", BIN) as recording:
        recording.attempt(0, attempt, None)
    found = Recorded(file)
    points = np.array(found.values("world/cloud", "Points3D:positions")[0])
    expected = transform_points(
        attempt.T_base_camera, attempt.before.intrinsics.deproject_image(attempt.before.depth)
    )
    lows, highs = expected.reshape(-1, 3).min(axis=0), expected.reshape(-1, 3).max(axis=0)
    assert 1000 < len(points) <= 25_000
    assert ((points > lows - 1e-4) & (points < highs + 1e-4)).all()
    origin = np.array(found.values("world/suction_points", "Arrows3D:origins")[0][0])
    vector = np.array(found.values("world/suction_points", "Arrows3D:vectors")[0][0])
    tip = transform_points(attempt.T_base_camera, attempt.point.position)
    np.testing.assert_allclose(origin + vector, tip, atol=1e-5)
    assert vector[2] < 0  # downwards, as the cup comes
    half = np.array(found.values("world/bin", "Boxes3D:half_sizes")[0][0])
    np.testing.assert_allclose(2 * half, BIN.size, atol=1e-6)


@with_rerun
def test_what_an_attempt_lacks_does_not_stay_from_the_one_before(tmp_path: Path) -> None:
    first, file = picked(0), tmp_path / "a.rrd"
    with Recording(ViewerConfig(save=file), "log", "log", BIN) as recording:
        recording.attempt(0, replace(first, after=first.before), None)
        recording.attempt(1, replace(first, before=None, after=None), None)
    found = Recorded(file)
    for path in ("camera/before", "camera/after", "world/cloud"):
        cleared = [row["attempt"] for row in found.rows[path] if row.get("Clear:is_recursive")]
        assert cleared == [1], path


@with_rerun
def test_the_robot_moves_with_its_joints(tmp_path: Path) -> None:
    pytest.importorskip("rerun.urdf", reason="the extra watch is not installed: Rerun is old")
    file = tmp_path / "a.rrd"
    with Recording(ViewerConfig(save=file), "live", "cell", BIN) as recording:
        recording.joints({"shoulder": 0.1})  # before its description
        recording.robot(ARM, "base_link")
        recording.joints({"shoulder": np.pi / 2, "a_gripper": 0.3})
    found = Recorded(file)
    assert any(path.startswith("robot/arm/visual") for path in found.rows)
    (turn,) = found.values("world/joints/shoulder", "Transform3D:quaternion")[0]
    np.testing.assert_allclose(turn, [0, 0, np.sqrt(0.5), np.sqrt(0.5)], atol=1e-6)
    assert found.values("world", "Transform3D:parent_frame") == [["base_link"]]


@with_rerun
@pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")),
    reason="chromium and chromedriver (Debian: chromium-driver) are not installed",
)
def test_a_browser_shows_a_log(tmp_path: Path) -> None:
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.common.exceptions import TimeoutException

    log_of(tmp_path / "log", 3).close()
    with socket.create_server(("", 0)) as free:
        port = min(free.getsockname()[1], 65000)
    command = [sys.executable, "-m", "grasp_affordance.cli", "attempts", str(tmp_path / "log")]
    command += ["view", "--serve", "--port", str(port)]
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (
        "--headless=new", "--no-sandbox", "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--window-size=1200,800", f"--user-data-dir={tmp_path / 'profile'}",
    ):  # fmt: skip
        options.add_argument(flag)
    service = webdriver.ChromeService(executable_path=str(shutil.which("chromedriver")))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as viewing:
        assert viewing.stdout is not None
        try:
            words = (word for line in viewing.stdout for word in line.split())
            address = next(word for word in words if word.startswith("http://"))
            browser = webdriver.Chrome(options=options, service=service)
            try:
                browser.get(address)
                deadline = time.monotonic() + 120
                shown = 0
                while shown < 2:
                    assert time.monotonic() < deadline, f"{shown} boxes are to be seen"
                    time.sleep(1)
                    with suppress(TimeoutException):  # it draws without a graphics card
                        shown = _boxes_in(browser.get_screenshot_as_png())
            finally:
                browser.quit()
        finally:
            viewing.terminate()


def _boxes_in(png: bytes) -> int:
    """Return how many of the scene's boxes, the red and the yellow one, a picture shows."""
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    count = 0
    for color in ((200, 40, 40), (200, 140, 40)):
        near = (np.abs(picture[..., ::-1].astype(int) - color) < 15).all(axis=-1)
        count += int(near.sum() > 2000)
    return count
