"""`~/plan` shows the way of the tool: after a dry run, and while a pick is under way."""

from typing import Any

import numpy as np
from grasp_affordance_interfaces.action import Pick
from helpers.marker_checks import check_drawable
from helpers.ros_harness import TIMEOUT, Ros
from visualization_msgs.msg import Marker, MarkerArray

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.ros.affordance.affordance_node import AffordanceNode
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.drivers.ordered_action_client import OrderedActionClient
from grasp_affordance.ros.executor.executor_node import ExecutorNode


def test_a_dry_run_shows_where_the_tool_would_go_and_a_pick_takes_the_line_away(ros: Ros) -> None:
    cell = ros.cell({"camera.max_age": 10.0, "camera.timeout": 10.0})
    executor: Any = ros.start(
        ExecutorNode,
        cell=cell,
        simulation__scene="rows",
        simulation__hardness="ideal",
    )
    ros.start(AffordanceNode, cell=cell)
    plans = ros.listen(MarkerArray, "executor_node/plan", topics.LATCHED)
    client = OrderedActionClient(ros.node, Pick, "executor_node/pick")
    assert client.wait_for_server(TIMEOUT)
    joints = executor.driver.cell.arm.tcp_pose()
    client.send_goal_async(Pick.Goal(dry_run=True))
    plan = plans.get(timeout=2 * TIMEOUT)
    check_drawable(plan)
    line = plan.markers[-1]
    assert line.header.frame_id == "base"
    planned_path = np.array([[p.x, p.y, p.z] for p in line.points])
    rim = BinGeometry().rim
    assert planned_path[0, 2] > rim > planned_path[2, 2]
    assert planned_path[3, 2] > rim
    np.testing.assert_allclose(planned_path[0, :2], planned_path[2, :2], atol=0.1)
    np.testing.assert_array_equal(executor.driver.cell.arm.tcp_pose(), joints)

    client.send_goal_async(Pick.Goal())
    shown = plans.get(timeout=2 * TIMEOUT)
    assert len(shown.markers[-1].points) == len(planned_path)
    after = plans.get(timeout=4 * TIMEOUT)
    assert [marker.action for marker in after.markers] == [Marker.DELETEALL]
