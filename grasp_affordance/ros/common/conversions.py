"""Core values to messages and back: time, transforms, suction points, rejections."""

from collections.abc import Mapping

import numpy as np
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Point, Pose, Quaternion, Transform, TransformStamped, Vector3
from grasp_affordance_interfaces.msg import RejectionCount
from grasp_affordance_interfaces.msg import SuctionPoint as SuctionPointMsg
from grasp_affordance_interfaces.srv import GetGraspRectangles, GetSuctionPoints
from numpy.typing import ArrayLike
from std_msgs.msg import Header

from grasp_affordance.arrays import Array
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import (
    CameraError,
    CheckpointError,
    FrameError,
    GeometryError,
    GraspAffordanceError,
    StaleFrameError,
    TransformError,
)
from grasp_affordance.geometry import (
    check_rigid,
    from_quaternion,
    rotate_vectors,
    to_quaternion,
    transform_points,
)
from grasp_affordance.suction import Rejection, Source, SuctionPoint

_SOURCES = {
    Source.PRIOR: SuctionPointMsg.SOURCE_PRIOR,
    Source.LEARNED: SuctionPointMsg.SOURCE_LEARNED,
    Source.EXPLORATION: SuctionPointMsg.SOURCE_EXPLORATION,
    Source.BASELINE: SuctionPointMsg.SOURCE_BASELINE,
    Source.ORACLE: SuctionPointMsg.SOURCE_ORACLE,
    Source.MANUAL: SuctionPointMsg.SOURCE_MANUAL,
    Source.NOVELTY: SuctionPointMsg.SOURCE_NOVELTY,
}
_SOURCE_OF = {number: source for source, number in _SOURCES.items()}
# The first that fits names the cause; StaleFrameError is a CameraError.
_CAUSES: tuple[tuple[type[GraspAffordanceError], Rejection], ...] = (
    (StaleFrameError, Rejection.STALE_FRAME),
    (CameraError, Rejection.NO_FRAME),
    (FrameError, Rejection.UNUSABLE_FRAME),
    (GeometryError, Rejection.UNUSABLE_FRAME),
    (TransformError, Rejection.NO_TRANSFORM),
    (CheckpointError, Rejection.NO_MODEL),
)


def to_time_msg(stamp_ns: int) -> Time:
    """Convert nanoseconds since the epoch."""
    seconds, nanoseconds = divmod(int(stamp_ns), 10**9)
    return Time(sec=seconds, nanosec=nanoseconds)


def from_time_msg(msg: Time) -> int:
    """Return nanoseconds since the epoch."""
    return int(msg.sec) * 10**9 + int(msg.nanosec)


def from_duration_msg(msg: Duration) -> float:
    """Return seconds."""
    return float(msg.sec) + msg.nanosec * 1e-9


def to_header_msg(stamp_ns: int, frame_id: str) -> Header:
    """Return a header of nanoseconds since the epoch and a frame's name."""
    return Header(stamp=to_time_msg(stamp_ns), frame_id=frame_id)


def to_point_msg(point: ArrayLike) -> Point:
    """Convert a point (3,), metres."""
    x, y, z = np.asarray(point, dtype=np.float64).tolist()
    return Point(x=x, y=y, z=z)


def from_point_msg(msg: Point | Vector3) -> Array:
    """Return a point or vector (3,)."""
    return np.array([msg.x, msg.y, msg.z])


def to_vector_msg(vector: ArrayLike) -> Vector3:
    """Convert a vector (3,)."""
    x, y, z = np.asarray(vector, dtype=np.float64).tolist()
    return Vector3(x=x, y=y, z=z)


def to_quaternion_msg(T: ArrayLike) -> Quaternion:
    """Convert the rotation of a transform (4, 4)."""
    x, y, z, w = to_quaternion(T).tolist()
    return Quaternion(x=x, y=y, z=z, w=w)


def to_transform_msg(T: Array) -> Transform:
    """Convert a rigid transform (4, 4)."""
    return Transform(translation=to_vector_msg(T[:3, 3]), rotation=to_quaternion_msg(T))


def from_transform_msg(msg: Transform) -> Array:
    """Return a rigid transform (4, 4).

    Raises:
        GeometryError: the quaternion has no length, or a value is not finite.
    """
    q = msg.rotation
    T = from_quaternion(from_point_msg(msg.translation), [q.x, q.y, q.z, q.w])
    return check_rigid(T, "transform message")


def to_bin_msgs(box: BinGeometry) -> tuple[Pose, Vector3]:
    """Return the pose of a bin's frame in the base frame, and its inner size."""
    T = box.T_base_bin
    pose = Pose(position=to_point_msg(T[:3, 3]), orientation=to_quaternion_msg(T))
    return pose, to_vector_msg(box.size)


def from_bin_msgs(pose: Pose, size: Vector3) -> BinGeometry | None:
    """Return a bin; None where the size is 0.

    Raises:
        GeometryError: the pose is none, or tilts the bin.
    """
    sides = from_point_msg(size)
    if not sides.any():
        return None
    q = pose.orientation
    T = check_rigid(from_quaternion(from_point_msg(pose.position), [q.x, q.y, q.z, q.w]), "bin")
    if T[2, 2] < 1 - 1e-6:
        raise GeometryError("the bin's pose is tilted against the base frame")
    x, y, floor = T[:3, 3].tolist()
    length, width, depth = sides.tolist()
    yaw = float(np.arctan2(T[1, 0], T[0, 0]))
    return BinGeometry((x, y), (length, width, depth), floor, yaw)


def to_transform_stamped_msg(
    T_parent_child: Array, parent: str, child: str, stamp_ns: int
) -> TransformStamped:
    """Return what TF calls the transform from `child` coordinates to `parent` coordinates."""
    return TransformStamped(
        header=to_header_msg(stamp_ns, parent),
        child_frame_id=child,
        transform=to_transform_msg(T_parent_child),
    )


def to_suction_point_msg(
    point: SuctionPoint,
    header: Header,
    T_base_camera: Array | None = None,
    base_frame_id: str = "",
    model_version: str = "",
) -> SuctionPointMsg:
    """Convert a suction point; its base-frame fields are filled when `T_base_camera` is known.

    Args:
        header: of the color image: stamp and optical frame.
    """
    msg = SuctionPointMsg(
        header=header,
        u=int(point.u),
        v=int(point.v),
        position=to_point_msg(point.position),
        normal=to_vector_msg(point.normal),
        probability=float(point.probability),
        source=_SOURCES[point.source],
        model_version=model_version,
    )
    if T_base_camera is not None:
        msg.in_base = True
        msg.base_frame_id = base_frame_id
        msg.position_base = to_point_msg(transform_points(T_base_camera, point.position))
        msg.normal_base = to_vector_msg(rotate_vectors(T_base_camera, point.normal))
    return msg


def from_suction_point_msg(msg: SuctionPointMsg) -> SuctionPoint:
    """Return the suction point in its camera frame.

    Raises:
        ConfigError: the probability is not in [0, 1].
    """
    return SuctionPoint(
        u=msg.u,
        v=msg.v,
        position=from_point_msg(msg.position),
        normal=from_point_msg(msg.normal),
        probability=float(msg.probability),
        source=_SOURCE_OF.get(msg.source, Source.MANUAL),
    )


def from_source_number(number: int) -> Source | None:
    """Return the source that a request names; None for 0, the node's own.

    Raises:
        KeyError: the number is no SOURCE_* constant.
    """
    return None if number == SuctionPointMsg.SOURCE_UNKNOWN else _SOURCE_OF[number]


def to_rejection_msgs(rejections: Mapping[Rejection, int]) -> list[RejectionCount]:
    """Return one message per cause that occurred, largest count first."""
    ranked = sorted(rejections.items(), key=lambda item: -item[1])
    return [RejectionCount(cause=str(cause), count=int(n)) for cause, n in ranked if n > 0]


def from_rejection_msgs(msgs: list[RejectionCount]) -> dict[Rejection, int]:
    """Return cause -> count; the inverse of `to_rejection_msgs`."""
    return {Rejection(msg.cause): int(msg.count) for msg in msgs}


def refuse[Response: (GetSuctionPoints.Response, GetGraspRectangles.Response)](
    error: GraspAffordanceError, text: str, response: Response
) -> Response:
    """Answer with an error: its text, and the cause where the view as a whole is to blame."""
    cause = next((cause for kind, cause in _CAUSES if isinstance(error, kind)), None)
    response.success = False
    response.message = text
    response.rejections = to_rejection_msgs({cause: 1} if cause else {})
    return response
