"""The answer to GetSuctionPoints: a fresh frame, evaluated as asked, or the reason why not."""

import dataclasses
import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from grasp_affordance_interfaces.srv import GetSuctionPoints
from numpy.typing import NDArray

from grasp_affordance.affordance.predictor import PredictorConfig
from grasp_affordance.errors import ConfigError
from grasp_affordance.ros.affordance.detection import FrameEvaluator, FrameResult
from grasp_affordance.ros.affordance.explorer import Explorer
from grasp_affordance.ros.common.conversions import (
    from_duration_msg,
    from_point_msg,
    from_source_number,
    from_time_msg,
    to_bin_msgs,
    to_header_msg,
    to_rejection_msgs,
    to_suction_point_msg,
    to_transform_msg,
)
from grasp_affordance.ros.common.frame_source import FrameSource
from grasp_affordance.suction import Failures, Order, Rejection, Selection

_ORDERS = {
    GetSuctionPoints.Request.ORDER_PROBABILITY: Order.PROBABILITY,
    GetSuctionPoints.Request.ORDER_HEIGHT: Order.HEIGHT,
    GetSuctionPoints.Request.ORDER_NEAREST: Order.NEAREST,
}


def answer_request(
    frames: FrameSource,
    evaluate: FrameEvaluator,
    explorer: Explorer,
    base_frame_id: str,
    request: GetSuctionPoints.Request,
    response: GetSuctionPoints.Response,
) -> GetSuctionPoints.Response:
    """Fill in a response.

    Raises:
        GraspAffordanceError: no answer can be given; see `conversions.refuse`.
    """
    began = time.monotonic()
    config, options = read_request(request, evaluate.config)
    timeout = from_duration_msg(request.timeout) or None
    frame = frames.read(from_time_msg(request.newer_than) or None, timeout)
    response.header = to_header_msg(frame.stamp_ns, frame.frame_id)
    # A caller who asks for a source or for a success rate gets what was asked for.
    asked = request.source or request.minimum_probability
    history = None if asked else explorer.history
    result = evaluate.evaluate(frame, config, history=history, patient=True, **options)
    fill_in(response, result, base_frame_id)
    response.latency = time.monotonic() - began
    return response


def read_request(
    request: GetSuctionPoints.Request, default: PredictorConfig
) -> tuple[PredictorConfig, dict[str, Any]]:
    """Return the configuration that a request asks for, and the other options of
    `FrameEvaluator.evaluate`.

    Raises:
        ConfigError: a value of the request is out of range.
    """
    changes: dict[str, Any] = {}
    if request.count:
        changes["count"] = request.count
    if request.minimum_probability:
        changes["min_probability"] = float(request.minimum_probability)
    near = from_point_msg(request.near)
    if not all(math.isfinite(value) for value in (*changes.values(), *near)):
        raise ConfigError("the request holds a value that is not finite")
    if request.order not in _ORDERS:
        raise ConfigError(f"order {request.order} is no ORDER_*")
    changes |= {"order": _ORDERS[request.order], "near": tuple(map(float, near))}
    try:
        source = from_source_number(request.source)
    except KeyError as error:
        raise ConfigError(f"source {request.source} is no SuctionPoint.SOURCE_*") from error
    config = dataclasses.replace(
        default, candidates=dataclasses.replace(default.candidates, **changes)
    )
    return config, {"failures": _read_failures(request), "source": source}


def _read_failures(request: GetSuctionPoints.Request) -> Failures:
    def points(messages: Sequence[Point]) -> NDArray[np.float64]:
        return np.array([from_point_msg(message) for message in messages]).reshape(-1, 3)

    radius = request.avoid_radius or Failures.radius
    return Failures(points(request.failed), points(request.avoid), radius, request.bin)


def fill_in(
    response: GetSuctionPoints.Response,
    result: FrameResult,
    base_frame_id: str,
) -> None:
    """Write what was decided into a response."""
    response.success = True
    selection = result.selection
    response.model_version = result.model_version
    region = result.prediction.scene.region
    response.floor_known, response.fill = region.floor_known, region.fill
    if region.bin is not None:
        response.bin_pose, response.bin_size = to_bin_msgs(region.bin)
    if result.T_base_camera is not None:
        response.base_frame_id = base_frame_id
        response.base_camera = to_transform_msg(result.T_base_camera)
    response.points = [
        to_suction_point_msg(
            point, response.header, result.T_base_camera, base_frame_id, result.model_version
        )
        for point in selection.points
    ]
    response.rejections = to_rejection_msgs(selection.rejections)
    response.message = "" if selection.points else why_no_points(selection)


def why_no_points(selection: Selection) -> str:
    """Return one sentence on why a view has no suction point."""
    if Rejection.EMPTY_BIN in selection.rejections:
        return "the bin is empty"
    ranked = sorted(selection.rejections.items(), key=lambda item: -item[1])[:3]
    causes = ", ".join(f"{cause} {count} px" for cause, count in ranked)
    return f"no place to put the cup; rejected: {causes or 'nothing'}"
