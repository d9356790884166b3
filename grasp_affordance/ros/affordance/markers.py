"""Suction points as RViz markers: an arrow along each approach, a label for the best.

The text of an arrow, which RViz does not show, says probability and source of its point.
"""

from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from grasp_affordance.geometry import Intrinsics
from grasp_affordance.ros.common.cell_markers import delete_all, identity, to_color_msg
from grasp_affordance.ros.common.conversions import from_point_msg, to_point_msg
from grasp_affordance.suction import Source, SuctionPoint

NAMESPACE = "suction_points"
_TEXT = 0.02  # height of a letter, metres


def to_marker_array_msg(
    points: Sequence[SuctionPoint], header: Header, length: float = 0.06
) -> MarkerArray:
    """Return markers that replace those of the view before.

    Args:
        points: best first, in the camera frame.
        header: stamp and optical frame.
        length: of the arrows, metres.
    """
    markers = [delete_all(header)]
    markers += [_arrow(point, index, header, length) for index, point in enumerate(points)]
    if points:
        markers.append(_label(points[0], len(points), header, length))
    return MarkerArray(markers=markers)


def from_marker_array_msg(msg: MarkerArray, intrinsics: Intrinsics) -> list[SuctionPoint]:
    """Return the suction points of `to_marker_array_msg`, seen by a camera of these intrinsics."""
    points = []
    for marker in msg.markers:
        if marker.ns != NAMESPACE or marker.type != Marker.ARROW:
            continue
        tail, position = map(from_point_msg, marker.points)
        u, v = np.round(intrinsics.project(position)).astype(int).tolist()
        normal = (tail - position) / np.linalg.norm(tail - position)
        probability, source = marker.text.split()
        points.append(SuctionPoint(u, v, position, normal, float(probability), Source(source)))
    return points


def _arrow(point: SuctionPoint, index: int, header: Header, length: float) -> Marker:
    """Return an arrow whose head touches the surface against its normal."""
    tail = point.position + length * point.normal
    return Marker(
        header=header,
        ns=NAMESPACE,
        id=index,
        type=Marker.ARROW,
        action=Marker.ADD,
        pose=identity(),
        scale=Vector3(x=0.004, y=0.010, z=0.015),  # shaft and head diameter, head length
        color=to_color_msg(point.probability, 1.0 if index == 0 else 0.5),
        points=[to_point_msg(tail), to_point_msg(point.position)],
        text=f"{point.probability} {point.source}",
    )


def _label(point: SuctionPoint, index: int, header: Header, length: float) -> Marker:
    pose = identity()
    pose.position = to_point_msg(point.position + 1.2 * length * point.normal)
    return Marker(
        header=header,
        ns=NAMESPACE,
        id=index,
        type=Marker.TEXT_VIEW_FACING,
        action=Marker.ADD,
        pose=pose,
        scale=Vector3(x=0.4 * _TEXT, z=_TEXT),  # of a space, which is 1 m by default; of a letter
        color=ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0),
        text=f"{point.probability:.2f} {point.source}",
    )
