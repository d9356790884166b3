"""Points that the camera saw and the cup then touched, collected one by one in a JSON file."""

import json
from pathlib import Path

import numpy as np

from grasp_affordance.calibration.board import BoardConfig, BoardView
from grasp_affordance.calibration.errors import CalibrationError
from grasp_affordance.files import write_atomically
from grasp_affordance.geometry import Array, to_quaternion, transform_points


def outer_corners(view: BoardView, board: BoardConfig) -> Array:
    """Return the four outermost inner corners (4, 3) of a board in the camera's frame, metres.

    In the order in which they are to be touched: around the board from its origin, along x first.
    """
    x, y = (board.columns - 1) * board.square, (board.rows - 1) * board.square
    s = board.square
    corners = np.array([[s, s, 0], [x, s, 0], [x, y, 0], [s, y, 0]])
    return transform_points(view.T_camera_board, corners)


class TouchFile:
    """Pairs seen points with touches, in order; each touch is on the disk at once.

    The file is that of `grasp-affordance verify_calibration`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: list[Array] = []
        self._points: list[dict[str, list[float]]] = []
        self._pivot: list[dict[str, list[float]]] = []

    def see(self, points: Array) -> None:
        """Take points (N, 3), camera frame, that are touched next; those before are dropped."""
        self._waiting = list(points)

    def touch(self, T_base_tool: Array) -> int:
        """Pair the tip's place with the next seen point; return how many are left.

        Raises:
            CalibrationError: no point is waiting, or the file cannot be written.
        """
        if not self._waiting:
            raise CalibrationError("no seen point is left to touch: look at the board first")
        pair = {
            "camera": [float(v) for v in self._waiting[0]],
            "base": [float(v) for v in T_base_tool[:3, 3]],
        }
        self._write([*self._points, pair], self._pivot)
        self._points.append(pair)
        del self._waiting[0]
        return len(self._waiting)

    def pivot(self, T_base_tool: Array) -> int:
        """Keep a pose that touches the pivot point; return how many there are."""
        pose = {
            "position": [float(v) for v in T_base_tool[:3, 3]],
            "quaternion_xyzw": [float(v) for v in to_quaternion(T_base_tool)],
        }
        self._write(self._points, [*self._pivot, pose])
        self._pivot.append(pose)
        return len(self._pivot)

    def _write(self, points: list[dict[str, list[float]]], pivot: list) -> None:
        text = json.dumps({"points": points, "pivot": pivot}, indent=1)
        try:
            write_atomically(self.path, text.encode())
        except OSError as error:
            raise CalibrationError(f"{self.path} cannot be written: {error}") from error
