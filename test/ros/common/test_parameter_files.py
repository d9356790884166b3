"""A parameter file that is not meant for the node that it is given to ends that node, by name."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from helpers.ros_harness import Ros
from rcl_interfaces.srv import GetParameters

from grasp_affordance.errors import ConfigError
from grasp_affordance.ros.common.parameter_files import (
    ParametersError,
    check_files,
    given_files,
    read_sections,
)
from grasp_affordance.ros.common.processes import NodeSpec, Processes

CONFIG = Path(__file__).parents[3] / "config"


def file_of(folder: Path, **sections: object) -> Path:
    """Write a parameter file; in a name `any__` stands for `/**/`, `robot1__` for `/robot1/`."""
    path = folder / "cell.yaml"
    content = {
        name.replace("any__", "/**/").replace("robot1__", "/robot1/").replace("all", "/**"): {
            "ros__parameters": values
        }
        for name, values in sections.items()
    }
    path.write_text(yaml.safe_dump(content))
    return path


def ended(*arguments: str, node: str = "camera_node") -> str:
    """Run a node that must end by itself; return what it said."""
    command = [sys.executable, "-m", NodeSpec(node).program, "--ros-args", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240.0, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_section_for_any_namespace_reaches_a_robots_node_also_from_a_shipped_file(
    ros: Ros, sequence: Path
) -> None:
    with Processes() as processes:
        processes.start(
            NodeSpec(
                "camera_node",
                {"recording": str(sequence)},
                CONFIG / "recorded.yaml",
                remappings={"__ns": "/robot1"},
            )
        )
        ros.client.wait_active("/robot1/camera_node", 240.0)
        asked = GetParameters.Request(names=["rate"])
        answer = ros.client.call(GetParameters, "/robot1/camera_node/get_parameters", asked)
    assert answer.values[0].double_value == 2.0


def test_a_file_whose_section_is_for_the_root_alone_ends_a_node_in_a_namespace(
    tmp_path: Path,
) -> None:
    path = file_of(tmp_path, executor_node={"cell": "ur"})
    said = ended("-r", "__ns:=/robot1", "--params-file", str(path), node="executor_node")
    assert f"ParametersError: {path} holds nothing for /robot1/executor_node" in said
    assert "'/executor_node' is for another namespace; write '/**/executor_node:'" in said


def test_a_misspelt_node_in_a_file_ends_the_node_with_the_nearest_name(tmp_path: Path) -> None:
    path = file_of(tmp_path, any__exectuor_node={"cell": "ur"}, any__camera_node={"rate": 2.0})
    said = ended("--params-file", str(path), node="executor_node")
    assert "is its section '/**/exectuor_node' a misspelt executor_node?" in said


def test_a_node_under_another_name_than_the_file_has_ends(tmp_path: Path) -> None:
    path = file_of(tmp_path, any__camera_node={"rate": 2.0})
    said = ended("-r", "__node:=left", "--params-file", str(path))
    assert f"{path} holds nothing for /left: its sections are /**/camera_node" in said


def test_an_unknown_key_ends_the_node_with_the_nearest_key(tmp_path: Path) -> None:
    path = file_of(tmp_path, any__camera_node={"rat": 2.0, "use_sim_time": False})
    said = ended("--params-file", str(path))
    assert "ParametersError: unknown parameter rat of /camera_node: did you mean 'rate'?" in said
    assert "unknown parameter speed of /camera_node" in ended("-p", "speed:=2.0")


def test_what_rclpy_reads_itself_is_known_to_every_node(
    ros: Ros, tmp_path: Path, sequence: Path
) -> None:
    settings = {
        "recording": str(sequence),
        "use_sim_time": False,
        "start_type_description_service": False,
        "qos_overrides./tf_static.publisher.depth": 2,
    }
    with Processes() as processes:
        path = file_of(tmp_path, any__camera_node=settings)
        processes.start(NodeSpec("camera_node", params_file=path))
        ros.client.wait_active("camera_node", 240.0, lambda: processes.errors("camera_node"))


def test_a_node_that_is_not_started_by_itself_refuses_to_be_configured_from_such_a_file(
    ros: Ros, tmp_path: Path
) -> None:
    from lifecycle_msgs.msg import Transition

    from grasp_affordance.ros.common.client import CallError

    path = file_of(tmp_path, all={"autostart": False}, camera_nod={"rate": 2.0})
    with Processes() as processes:
        processes.start(NodeSpec("camera_node", params_file=path))
        ros.client.wait_present("camera_node")
        with pytest.raises(CallError):
            ros.client.change_state("camera_node", Transition.TRANSITION_CONFIGURE)
        assert "holds nothing for /camera_node" in processes.tail("camera_node")
        processes.check()  # it lives on


@pytest.mark.parametrize(
    ("section", "name", "matches"),
    [
        ("/**/a_node", "/a_node", True),
        ("/**/a_node", "/robot1/a_node", True),
        ("/**/a_node", "/site/robot1/a_node", True),
        ("/*/a_node", "/robot1/a_node", True),
        ("/*/a_node", "/a_node", False),
        ("a_node", "/a_node", True),
        ("a_node", "/robot1/a_node", False),
        ("/robot1/a_node", "/robot1/a_node", True),
        ("/robot1/**", "/robot1/a_node", True),
        ("/robot2/**", "/robot1/a_node", False),
        ("/**", "/robot1/a_node", True),
    ],
)
def test_a_section_matches_as_rcl_matches_it(
    tmp_path: Path, section: str, name: str, matches: bool
) -> None:
    import rclpy
    from rclpy.context import Context
    from rclpy.node import Node

    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump({section: {"ros__parameters": {"given": 1}}}))
    context = Context()
    rclpy.init(args=["--ros-args", "--params-file", str(path)], context=context)
    namespace, _, own = name.rpartition("/")
    node = Node(own, namespace=namespace or "/", context=context)
    taken = "given" in node._parameter_overrides
    node.destroy_node()
    rclpy.try_shutdown(context=context)
    assert taken is matches
    if matches:
        check_files([path], name)
    else:
        with pytest.raises(ParametersError, match=f"holds nothing for {name}"):
            check_files([path], name)


def test_names_split_into_nested_namespaces_are_one_section(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("robot1: {a_node: {ros__parameters: {x: {y: 1}}}}")
    assert read_sections(path) == {"/robot1/a_node": {"x.y": 1}}


def test_one_section_for_all_is_enough_unless_another_looks_like_the_nodes(tmp_path: Path) -> None:
    check_files([file_of(tmp_path, all={}, detector_node={})], "/robot1/executor_node")
    for section in ("executor_node", "any__executer_node"):
        path = file_of(tmp_path, all={}, **{section: {}})
        with pytest.raises(ParametersError):
            check_files([path], "/robot1/executor_node")


def test_the_files_of_a_process_are_those_after_ros_args() -> None:
    assert given_files(["node", "--params-file", "mine"]) == ()
    arguments = [
        "node",
        "--ros-args",
        "-r",
        "a:=b",
        "--params-file",
        "a.yaml",
        "--",
        "--params-file",
    ]
    assert given_files(arguments) == (Path("a.yaml"),)
    launched = ["node", "--ros-args", "--params-file", "/tmp/launch_1", "--params-file", "b.yaml"]
    assert given_files(launched) == (Path("/tmp/launch_1"), Path("b.yaml"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: not a ROS parameter file"):
        check_files([tmp_path / "absent.yaml"], "/a_node")
