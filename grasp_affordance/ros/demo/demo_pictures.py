"""One picture per attempt: what was seen, where the cup went, how it ended; and a film of them."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from grasp_affordance_interfaces.msg import PickResult
from rclpy.node import Node
from sensor_msgs.msg import Image

from grasp_affordance.arrays import Color
from grasp_affordance.attempt import Outcome
from grasp_affordance.colors import OTHER_COLOR, OUTCOME_COLORS
from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.files import write_atomically
from grasp_affordance.messages.images import from_image_msg
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.conversions import from_time_msg
from grasp_affordance.ros.executor.pick_messages import from_outcome_number

_KEPT = 30  # pictures per topic that wait for the result of their pick
_CUP, _BANNER = 9, 34  # pixels
_RATE = 2.0  # pictures per second of the film


class AttemptPictures:
    """Collects the affordance node's overlays, and the plain images for picks that have none."""

    def __init__(self, node: Node, folder: Path) -> None:
        self._folder = folder
        self._pictures: list[Color] = []
        self._overlays: OrderedDict[int, Any] = OrderedDict()
        self._images: OrderedDict[int, Any] = OrderedDict()
        for topic, kept in (
            ("/affordance_node/overlay", self._overlays),
            (f"{topics.CAMERA}/{topics.COLOR}", self._images),
        ):
            node.create_subscription(Image, topic, _keeper(kept), topics.IMAGE_SUBSCRIPTION)

    def add(self, result: PickResult) -> None:
        """Draw the pick into its view; write it as a PNG."""
        stamp = from_time_msg(result.before_stamp)
        message = self._overlays.get(stamp) or self._images.get(stamp)
        if message is None:
            return  # the view was never seen here: image topics may lose one
        picture = np.ascontiguousarray(from_image_msg(message)[..., ::-1], np.uint8)
        outcome = from_outcome_number(result.outcome)
        draw_result(picture, result, outcome)
        self._pictures.append(picture)
        data = cv2.imencode(".png", picture)[1].tobytes()
        write_atomically(self._folder / f"attempt_{result.index:03d}_{outcome}.png", data)

    @property
    def ready(self) -> bool:
        """Whether images arrive."""
        return bool(self._images)

    @property
    def count(self) -> int:
        """Pictures so far."""
        return len(self._pictures)

    def write_film(self, path: Path) -> None:
        """Write all pictures as one film.

        Raises:
            GraspAffordanceError: there are none, or this OpenCV writes no films.
        """
        if not self._pictures:
            raise GraspAffordanceError("no picture of any attempt arrived: no film")
        height, width = self._pictures[0].shape[:2]
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), _RATE, (width, height))
        if not writer.isOpened():
            raise GraspAffordanceError(f"this OpenCV cannot write {path}")
        for picture in self._pictures:
            writer.write(picture)
        writer.release()


def draw_result(picture: Color, result: PickResult, outcome: Outcome) -> None:
    """Mark the cup and write the outcome into a picture (H, W, 3) BGR."""
    color = OUTCOME_COLORS.get(outcome, OTHER_COLOR)[::-1]  # BGR
    at = (int(result.point.u), int(result.point.v))
    cv2.circle(picture, at, _CUP, (0, 0, 0), 4, cv2.LINE_AA)
    cv2.circle(picture, at, _CUP, color, 2, cv2.LINE_AA)
    cv2.drawMarker(picture, at, color, cv2.MARKER_CROSS, 2 * _CUP, 1, cv2.LINE_AA)
    text = f"pick {result.index + 1}: {outcome}"
    if result.cause != "none":
        text += f", {result.cause.replace('_', ' ')}"
    text += f"  (p = {result.point.probability:.2f})"
    cv2.rectangle(picture, (0, 0), (picture.shape[1], _BANNER), (0, 0, 0), cv2.FILLED)
    at = (10, _BANNER - 10)
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.7, color, 1, cv2.LINE_AA)


def _keeper(kept: OrderedDict[int, Any]) -> Any:
    def keep(message: Image) -> None:
        kept[from_time_msg(message.header.stamp)] = message
        while len(kept) > _KEPT:
            kept.popitem(last=False)

    return keep
