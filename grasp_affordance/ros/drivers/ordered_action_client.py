"""An action client that never takes an answer before it has noted the question."""

import threading
from typing import Any

from rclpy.action import ActionClient


class OrderedActionClient(ActionClient):
    """Works round a race in rclpy (seen with Jazzy's 7.1.6).

    `ActionClient` sends a request first and notes its number afterwards. In between, another thread
    of a multi-threaded executor may take the answer, which is then dropped with the warning
    "Ignoring unexpected goal response", and the future never completes. One lock keeps the order.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._asking = threading.RLock()
        super().__init__(*arguments, **options)

    def send_goal_async(self, *arguments: Any, **options: Any) -> Any:
        """See `ActionClient`."""
        with self._asking:
            return super().send_goal_async(*arguments, **options)

    def _get_result_async(self, *arguments: Any, **options: Any) -> Any:
        with self._asking:
            return super()._get_result_async(*arguments, **options)

    async def execute(self, taken_data: Any) -> None:
        """See `ActionClient`."""
        with self._asking:
            await super().execute(taken_data)
