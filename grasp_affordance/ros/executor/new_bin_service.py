"""The service `~/new_bin`: another bin stands there, forget what failed in the one before."""

from rclpy.node import Node
from std_srvs.srv import Trigger

from grasp_affordance.ros.executor.pick_session import PickSession


class NewBinService:
    """For clients of `~/pick`: who picks continuously starts anew with each bin anyway.

    Refused while the arm is at work: a pick under way still belongs to the bin before.
    """

    def __init__(self, node: Node, session: PickSession) -> None:
        self._node = node
        self._session = session
        self._service = node.create_service(Trigger, "~/new_bin", self._forget)

    def close(self) -> None:
        """Take the service out of the graph."""
        self._node.destroy_service(self._service)

    def _forget(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        with self._session.activity.acquire() as acquired:
            if acquired:
                self._session.picker.memory.clear()
        response.success = acquired
        response.message = "" if acquired else "the arm is at work; announce the bin when it rests"
        return response
