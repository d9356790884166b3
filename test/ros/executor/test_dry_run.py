"""A dry run shows the whole way of the tool on `~/plan`, in the base frame, and moves nothing."""

from typing import Any

import numpy as np
from geometry_msgs.msg import PoseArray
from grasp_affordance_interfaces.action import Pick
from helpers.ros_harness import TIMEOUT, Ros

from grasp_affordance.cell import BinGeometry
from grasp_affordance.ros.affordance.affordance_node import AffordanceNode
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.drivers.ordered_action_client import OrderedActionClient
from grasp_affordance.ros.executor.executor_node import ExecutorNode


def test_a_dry_run_shows_where_the_tool_would_go(ros: Ros) -> None:
    cell = ros.cell({"camera.max_age": 10.0, "camera.timeout": 10.0})
    executor: Any = ros.start(
        ExecutorNode,
        cell=cell,
        simulation__scene="rows",
        simulation__hardness="ideal",
    )
    ros.start(AffordanceNode, cell=cell)
    plans = ros.listen(PoseArray, "executor_node/plan", topics.LATCHED)
    client = OrderedActionClient(ros.node, Pick, "executor_node/pick")
    assert client.wait_for_server(TIMEOUT)
    joints = executor.driver.cell.arm.tcp_pose()
    client.send_goal_async(Pick.Goal(dry_run=True))
    plan = plans.get(timeout=2 * TIMEOUT)
    assert plan.header.frame_id == "base_link"
    planned_path = np.array([[p.position.x, p.position.y, p.position.z] for p in plan.poses])
    rim = BinGeometry().rim
    assert planned_path[0, 2] > rim > planned_path[2, 2]
    assert planned_path[3, 2] > rim
    np.testing.assert_allclose(planned_path[0, :2], planned_path[2, :2], atol=0.1)
    np.testing.assert_array_equal(executor.driver.cell.arm.tcp_pose(), joints)
