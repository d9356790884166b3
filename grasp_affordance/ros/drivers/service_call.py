"""One service call with a deadline, from a thread that may not spin."""

import threading
import time
from typing import Any

from grasp_affordance.errors import CellError


def call_within[Failure: CellError](
    client: Any, request: Any, timeout: float, failure: type[Failure]
) -> Any:
    """Return a service's answer.

    Args:
        client: of rclpy, in a callback group that no waiting callback is in.
        timeout: seconds for finding the service and getting its answer, together.
        failure: raised when there is none.
    """
    deadline = time.monotonic() + timeout
    if not client.wait_for_service(timeout_sec=timeout):
        raise failure(f"nobody offers the service {client.srv_name}; is its driver running?")
    answered = threading.Event()
    future = client.call_async(request)
    future.add_done_callback(lambda _: answered.set())
    if not answered.wait(max(0.0, deadline - time.monotonic())):
        client.remove_pending_request(future)
        raise failure(f"{client.srv_name} did not answer within {timeout:.1f} s")
    if future.exception() is not None:
        raise failure(f"{client.srv_name} failed: {future.exception()}")
    return future.result()
