"""One question to a service, asked again where its answer is lost.

A server that gets a request before it has discovered the reader of the answers drops its answer
(rmw_fastrtps waits 100 ms for it, then warns "client will not receive response"). That the client
sees the server does not help: discovery has two directions, and on a busy machine the other one has
been seen to take longer. Nobody is told, and who asked only once waits for ever.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from grasp_affordance.errors import CellError

PATIENCE = 1.0  # seconds of silence after which a question is asked again, then twice as long, ...
ONCE = math.inf  # the patience for a request that must not reach the service twice
_PERIOD = 0.1  # seconds between two calls of `check`


class NoAnswer(Exception):  # noqa: N818  (each caller turns it into an error of its own)
    """No answer came in time."""


def ask(
    client: Any,
    request: Any,
    timeout: float,
    patience: float = PATIENCE,
    check: Callable[[], None] = lambda: None,
) -> Any:
    """Return the first answer to a request, which is sent again while there is silence.

    Args:
        client: of rclpy, spun in another thread, its callback group free of waiting callbacks.
        timeout: seconds, all together.
        patience: seconds before the request is sent again; doubled each time, so that a server that
            is merely slow gets few copies. `ONCE` sends it once.
        check: called while waiting; may raise what is wrong elsewhere.

    Raises:
        NoAnswer: there is none.
    """
    deadline = time.monotonic() + timeout
    futures: list[Any] = []
    try:
        while (left := deadline - time.monotonic()) > 0:
            futures.append(client.call_async(request))
            done = first_done(futures, min(patience, left), check)
            if done is not None:
                return done.result()
            patience *= 2
        raise NoAnswer
    finally:
        for future in futures:
            client.remove_pending_request(future)


def first_done(
    futures: Sequence[Any], seconds: float, check: Callable[[], None] = lambda: None
) -> Any:
    """Return the first future that is done within some seconds; None where there is none.

    Args:
        check: called while waiting; may raise what is wrong elsewhere.
    """
    deadline, changed = time.monotonic() + seconds, threading.Event()
    for future in futures:
        future.add_done_callback(lambda _: changed.set())
    while True:
        left = deadline - time.monotonic()
        changed.wait(max(0.0, min(_PERIOD, left)))
        for future in futures:
            if future.done():
                return future
        if left <= 0:
            return None
        check()


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
