"""One service call with a deadline, from a thread that may not spin."""

import time
from typing import Any

from grasp_affordance.errors import CellError
from grasp_affordance.ros.common.service_retry import NoAnswer, ask


def call_within[Failure: CellError](
    client: Any, request: Any, timeout: float, failure: type[Failure]
) -> Any:
    """Return a service's answer.

    The request is sent again while there is silence, because an answer may be lost: it must be one
    that may reach the service twice, such as to switch something on.

    Args:
        client: of rclpy, in a callback group that no waiting callback is in.
        timeout: seconds for finding the service and getting its answer, together.
        failure: raised when there is none.
    """
    deadline = time.monotonic() + timeout
    if not client.wait_for_service(timeout_sec=timeout):
        raise failure(f"nobody offers the service {client.srv_name}; is its driver running?")
    try:
        return ask(client, request, deadline - time.monotonic(), timeout / 4)
    except NoAnswer as error:
        raise failure(f"{client.srv_name} did not answer within {timeout:.1f} s") from error
