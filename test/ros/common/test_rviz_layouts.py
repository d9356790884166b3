"""The RViz layouts name topics, types and frames that the code has, and show images readably."""

import ast
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.cells import cell_file

from grasp_affordance.cell_description import CellDescription
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.launching import rviz_layout
from grasp_affordance.ros.common.share import share_folder

ROOT = share_folder()
LAYOUTS = ("cell.rviz", "affordance.rviz")
OPTICAL = "camera_color_optical_frame"  # of the RealSense, and of recordings without a name
DISPLAYS = {"Image": "Image", "MarkerArray": "MarkerArray", "PointCloud2": "PointCloud2"}
FOREIGN = {"/robot_description"} | {
    f"/{topics.CAMERA}/{name}" for name in (topics.COLOR, topics.ALIGNED_DEPTH)
}


def read(path: str | Path) -> dict[str, Any]:
    return yaml.safe_load(Path(path).read_text())


def displays(layout: str | Path) -> list[dict[str, Any]]:
    return list(read(layout)["Visualization Manager"]["Displays"])


def published() -> dict[str, str]:
    """Return topic -> type of what our nodes publish below their own names, read from the code."""
    found = {}
    for folder, node in (
        ("affordance", "affordance_node"),
        ("executor", "executor_node"),
        ("detector", "detector_node"),
    ):
        for path in (ROOT / "grasp_affordance" / "ros" / folder).glob("*.py"):
            for part in ast.walk(ast.parse(path.read_text())):
                items = part.args if isinstance(part, ast.Call) else getattr(part, "elts", [])
                for kind, name in pairwise(items):
                    text = name.value if isinstance(name, ast.Constant) else None
                    if isinstance(kind, ast.Name) and isinstance(text, str) and text[:2] == "~/":
                        found[f"/{node}/{text[2:]}"] = kind.id
    return found


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_display_shows_a_topic_of_its_type(layout: str) -> None:
    known = published()
    for display in displays(ROOT / "config" / layout):
        topic = display.get("Topic", display.get("Description Topic", {})).get("Value")
        if topic is None or topic in FOREIGN:
            continue
        assert known[topic] == DISPLAYS[display["Class"].rpartition("/")[2]], display["Name"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_latched_topics_are_subscribed_to_as_such(layout: str) -> None:
    for display in displays(ROOT / "config" / layout):
        topic = display.get("Topic", {}).get("Value", "")
        latched = topic in ("/affordance_node/cell", "/executor_node/plan")
        if topic:
            durability = "Transient Local" if latched else "Volatile"
            assert display["Topic"]["Durability Policy"] == durability, topic


@pytest.mark.parametrize("layout", LAYOUTS)
def test_images_of_numbers_have_a_range_and_those_of_colours_none(layout: str) -> None:
    ranges: dict[str, tuple[Any, Any]] = {
        display["Topic"]["Value"]: (display.get("Min Value"), display.get("Max Value"))
        for display in displays(ROOT / "config" / layout)
        if display["Class"].endswith("/Image") and not display["Normalize Range"]
    }
    assert ranges["/affordance_node/affordance"] == (0, 1)
    low, high = ranges[f"/{topics.CAMERA}/{topics.ALIGNED_DEPTH}"]
    assert 0 < low < high < 5
    assert len(ranges) == 2


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_panel_has_its_place_in_the_window(layout: str) -> None:
    window = read(ROOT / "config" / layout)["Window Geometry"]
    state = bytes.fromhex(window["QMainWindow State"])
    panels = [
        d["Name"] for d in displays(ROOT / "config" / layout) if d["Class"].endswith("/Image")
    ]
    for panel in [*panels, "Displays"]:
        assert panel.encode("utf-16-be") in state
        assert window[panel] == {"collapsed": False}


def test_the_scene_is_seen_in_the_base_frame_of_the_cell_from_aside() -> None:
    manager = read(ROOT / "config" / "cell.rviz")["Visualization Manager"]
    view = manager["Views"]["Current"]
    frames = {manager["Global Options"]["Fixed Frame"], view["Target Frame"]}
    assert frames == {CellDescription().base_frame_id}
    assert 0.7 < view["Pitch"] < 1.2
    recorded = read(ROOT / "config" / "affordance.rviz")["Visualization Manager"]
    assert recorded["Global Options"]["Fixed Frame"] == OPTICAL


def test_a_layout_follows_namespace_prefix_and_camera_of_its_cell(tmp_path: Path) -> None:
    assert rviz_layout("cell.rviz") == str(ROOT / "config" / "cell.rviz")
    changes = {"tf_prefix": "left_", "camera.topics": "eye"}
    path = rviz_layout("cell.rviz", "left", cell_file(tmp_path, changes))
    manager = read(path)["Visualization Manager"]
    assert manager["Global Options"]["Fixed Frame"] == "left_base"
    shown = [display.get("Topic", {}).get("Value", "") for display in displays(path)]
    assert "/left/affordance_node/markers" in shown
    assert f"/left/eye/{topics.COLOR}" in shown
    assert not [topic for topic in shown if topic and not topic.startswith("/left/")]
