"""Grasp rectangles as messages and as RViz markers."""

from collections.abc import Sequence

from geometry_msgs.msg import Point, Pose, Vector3
from grasp_affordance_interfaces.msg import GraspRectangle as GraspRectangleMsg
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from grasp_affordance.arrays import Array
from grasp_affordance.detection.pose import JawGrasp
from grasp_affordance.detection.samples import ScoredRectangle
from grasp_affordance.ros.common.cell_markers import delete_all, to_color_msg
from grasp_affordance.ros.common.conversions import to_point_msg, to_quaternion_msg

NAMESPACE = "grasp_rectangles"
_CLOSING = ColorRGBA(r=0.6, g=0.6, b=0.6, a=0.8)

Grasps = Sequence[tuple[ScoredRectangle, JawGrasp | None]]


def to_pose_msg(T: Array) -> Pose:
    """Convert a rigid transform (4, 4)."""
    return Pose(position=to_point_msg(T[:3, 3]), orientation=to_quaternion_msg(T))


def to_grasp_rectangle_msg(
    grasp: ScoredRectangle,
    pose: JawGrasp | None,
    header: Header,
    T_base_camera: Array | None = None,
    base_frame_id: str = "",
) -> GraspRectangleMsg:
    """Convert a rectangle; what is known of it in space is filled in.

    Args:
        header: of the color image: stamp and optical frame.
    """
    rectangle = grasp.rectangle
    message = GraspRectangleMsg(
        header=header,
        x=float(rectangle.x),
        y=float(rectangle.y),
        theta=float(rectangle.theta),
        w=float(rectangle.w),
        h=float(rectangle.h),
        score=float(grasp.score),
    )
    if pose is not None:
        message.in_space = True
        message.pose = to_pose_msg(pose.T_camera_grasp)
        message.opening = float(pose.opening)
        if T_base_camera is not None:
            message.in_base = True
            message.base_frame_id = base_frame_id
            message.pose_base = to_pose_msg(T_base_camera @ pose.T_camera_grasp)
    return message


def to_rectangle_marker_array_msg(grasps: Grasps, header: Header) -> MarkerArray:
    """Return markers that replace those of the view before; grasps without depth are left out.

    Args:
        grasps: best first.
        header: stamp and optical frame.
    """
    markers = [delete_all(header)]
    for index, (grasp, pose) in enumerate(grasps):
        if pose is not None:
            markers.append(_outline(grasp, pose, index, header))
    return MarkerArray(markers=markers)


def _outline(grasp: ScoredRectangle, pose: JawGrasp, index: int, header: Header) -> Marker:
    """Return a rectangle on the surface: the plates in the score's color, the way between grey."""
    x, y = pose.plate_length / 2, pose.opening / 2
    corners = [Point(x=u, y=v) for u, v in ((-x, -y), (x, -y), (x, y), (-x, y))]
    plate = to_color_msg(grasp.score, 1.0 if index == 0 else 0.6)
    points, colors = [], []
    for start in range(4):
        points += [corners[start], corners[(start + 1) % 4]]
        colors += [plate if start % 2 == 0 else _CLOSING] * 2
    return Marker(
        header=header,
        ns=NAMESPACE,
        id=index,
        type=Marker.LINE_LIST,
        action=Marker.ADD,
        pose=to_pose_msg(pose.T_camera_grasp),
        scale=Vector3(x=0.002 if index else 0.004),  # line width, metres
        points=points,
        colors=colors,
    )
