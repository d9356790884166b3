"""Where to pick, asked of the affordance node."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from grasp_affordance_interfaces.srv import GetSuctionPoints

from grasp_affordance.cell import Cell
from grasp_affordance.errors import CameraError, StoppedError, TransformError
from grasp_affordance.execution.proposal import Proposal
from grasp_affordance.geometry import Array
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common.client import CallError, Client
from grasp_affordance.ros.common.conversions import (
    from_rejection_msgs,
    from_suction_point_msg,
    from_time_msg,
    from_transform_msg,
    to_point_msg,
    to_time_msg,
)
from grasp_affordance.ros.executor.topic_camera import TopicCamera
from grasp_affordance.suction import Failures

_REMINDER = 10.0  # seconds between warnings of lost frames: each pick may have one


class SuctionClient:
    """`execution.proposal.Proposer` and `LookAhead` over the service GetSuctionPoints."""

    def __init__(
        self,
        client: Client,
        cell: Cell,
        camera: TopicCamera,
        node_name: str,
        base_frame_id: str,
        count: int,
        timeout: float,
    ) -> None:
        """Ask the affordance node of a name for `count` points, at most `timeout` seconds.

        Args:
            base_frame_id: the robot's base frame, in which the camera's pose must come.
        """
        self._client = client
        self._cell = cell
        self._camera = camera
        self._node_name = node_name
        self._service = f"{node_name}/get_suction_points"
        self._base = base_frame_id
        self._count = count
        self._timeout = timeout
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="look ahead")

    def close(self) -> None:
        """Wait for nobody any more; a question under way ends with its timeout."""
        self._ahead.shutdown(wait=False, cancel_futures=True)

    def __call__(self, failures: Failures, minimum_probability: float) -> Proposal:
        """Have a view evaluated that was taken after this call began, hence without the arm in it.

        Raises:
            CameraError: there is none. CallError: the affordance node does not answer.
            TransformError: it answers in another base frame.
        """
        seen = self._cell.camera.read(newer_than_ns=self._cell.now_ns())
        return self._ask(seen, failures, minimum_probability)

    def ahead(
        self, seen: RgbdFrame, failures: Failures, minimum_probability: float
    ) -> Callable[[], Proposal]:
        """Have a view evaluated in the background; see `LookAhead`."""
        return self._ahead.submit(self._ask, seen, failures, minimum_probability).result

    def _ask(self, seen: RgbdFrame, failures: Failures, minimum_probability: float) -> Proposal:
        """Have a view evaluated, or a later one of a camera that runs by itself."""
        request = GetSuctionPoints.Request(
            count=self._count,
            newer_than=to_time_msg(seen.stamp_ns - 1),
            minimum_probability=minimum_probability,
            failed=[to_point_msg(point) for point in failures.points],
            avoid=[to_point_msg(point) for point in failures.avoided],
            avoid_radius=failures.radius,
            bin=failures.bin,
        )
        # Evaluating takes a while, and a copy of the question would take it again.
        answer = self._client.call(
            GetSuctionPoints, self._service, request, self._timeout, patience=self._timeout / 3
        )
        points = tuple(from_suction_point_msg(point) for point in answer.points)
        evaluated = from_time_msg(answer.header.stamp)
        frame: RgbdFrame | None = seen
        if evaluated != seen.stamp_ns:  # a camera that runs by itself went on
            frame = self._frame(evaluated) if points else None
        return Proposal(
            points=points,
            T_base_camera=self._pose(answer),
            frame=frame,
            rejections=from_rejection_msgs(answer.rejections),
            floor_known=answer.floor_known,
            policy=str(points[0].source) if points else "",
            model_version=answer.model_version,
            message=answer.message,
        )

    def why_not_ready(self, patience: float) -> str:
        """Return why the affordance node cannot answer; empty once it is active.

        Args:
            patience: seconds in which it may become active.
        """
        try:
            self._client.wait_active(self._node_name, patience)
        except (CallError, StoppedError) as error:  # stopped: a pick ends that was under way
            return f"{error}".partition(":\n")[0]
        return ""

    def _pose(self, answer: GetSuctionPoints.Response) -> Array | None:
        """Return `T_base_camera` with which the view was evaluated; None where it was not known."""
        if not answer.base_frame_id:
            return None
        if answer.base_frame_id != self._base:
            raise TransformError(
                f"{self._service} answers in the base frame '{answer.base_frame_id}', but the "
                f"robot's is '{self._base}'; set camera_pose.base_frame_id of both nodes alike"
            )
        return from_transform_msg(answer.base_camera)

    def _frame(self, evaluated: int) -> RgbdFrame | None:
        """Return the frame that was evaluated; None, with a warning, where it cannot be had."""
        try:
            return self._camera.at(evaluated)
        except CameraError as error:
            self._client.node.get_logger().warning(
                f"the evaluated frame is not known, an attempt on it teaches nothing: {error}",
                throttle_duration_sec=_REMINDER,
            )
            return None
