"""The way of the tool on `~/plan`, for RViz: while a pick is under way, and after a dry run."""

from collections.abc import Sequence

from rclpy.node import Node
from visualization_msgs.msg import MarkerArray

from grasp_affordance.arrays import Array
from grasp_affordance.cell import Motion
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.cell_markers import to_plan_msg
from grasp_affordance.ros.common.conversions import to_header_msg


class PlanView:
    """Publishes one line, latched; an empty way takes it away."""

    def __init__(self, node: Node, base_frame_id: str) -> None:
        self._node, self._base = node, base_frame_id
        self._plan = node.create_publisher(MarkerArray, "~/plan", topics.LATCHED)

    def note(self, motions: Sequence[Motion]) -> None:
        """Show the motions of a pick; see `execution.picker.OnPlan`."""
        self.show([motion.T_base_tool for motion in motions])

    def show(self, poses: Sequence[Array]) -> None:
        """Show tool poses (4, 4) in the base frame; none takes the line away."""
        now = int(self._node.get_clock().now().nanoseconds)
        self._plan.publish(to_plan_msg(poses, to_header_msg(now, self._base)))

    def close(self) -> None:
        """Remove the publisher from its node."""
        self._node.destroy_publisher(self._plan)
