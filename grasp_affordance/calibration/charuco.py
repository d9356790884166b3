"""OpenCV's ChArUco board, with the interface of OpenCV 4.7 and later or of 4.6 (Ubuntu 24.04)."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import ConfigError

aruco: Any = cv2.aruco  # type stubs describe the newest interface alone
_OLD = not hasattr(aruco, "CharucoDetector")


class CharucoBoard:
    """A board of `columns` x `rows` squares; lengths in metres.

    Args:
        dictionary: name of the markers' dictionary in cv2.aruco.
        legacy: see `BoardConfig.legacy`.

    Raises:
        ConfigError: this OpenCV cannot make a legacy board.
    """

    def __init__(
        self,
        columns: int,
        rows: int,
        square: float,
        marker: float,
        dictionary: str,
        legacy: bool,
    ) -> None:
        self._dictionary = aruco.getPredefinedDictionary(getattr(aruco, dictionary))
        self._columns, self._rows = columns, rows
        self._margin = (square - marker) / 2 / square  # white around a marker, squares
        if not _OLD:
            self._board = aruco.CharucoBoard((columns, rows), square, marker, self._dictionary)
            self._board.setLegacyPattern(legacy)
            return
        if legacy and rows % 2 == 0:
            raise ConfigError(
                f"a legacy board with {rows} rows needs OpenCV 4.7, this is {cv2.__version__}: "
                "install a newer OpenCV or print a new board"
            )
        self._board = aruco.CharucoBoard_create(columns, rows, square, marker, self._dictionary)

    @property
    def corners(self) -> NDArray[np.float64]:
        """The inner corners (N, 3) in the board's frame, metres."""
        new = not _OLD
        corners = self._board.getChessboardCorners() if new else self._board.chessboardCorners
        return np.asarray(corners, dtype=np.float64)

    def picture(self, pixels_per_square: int) -> NDArray[np.uint8]:
        """Return the board for printing, (H, W) uint8, without a margin."""
        size = (self._columns * pixels_per_square, self._rows * pixels_per_square)
        picture = self._board.draw(size) if _OLD else self._board.generateImage(size)
        return np.asarray(picture, dtype=np.uint8)

    def detect(self, grey: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.intp], int]:
        """Find the board in an image (H, W).

        Returns:
            Pixels (N, 2) of inner corners, their indices (N,) in `corners`, and the number of
            markers found.
        """
        if _OLD:
            parameters = aruco.DetectorParameters_create()
            found, marker_ids, _ = aruco.detectMarkers(
                grey, self._dictionary, parameters=parameters
            )
            corners, ids = None, None
            if marker_ids is not None:
                _, corners, ids = aruco.interpolateCornersCharuco(
                    found, marker_ids, grey, self._board
                )
            if ids is not None:
                corners = self._refined(grey, corners)
        else:
            corners, ids, _, marker_ids = aruco.CharucoDetector(self._board).detectBoard(grey)
        markers = 0 if marker_ids is None else len(marker_ids)
        if ids is None:
            return np.empty((0, 2)), np.empty(0, np.intp), markers
        pixels = np.asarray(corners, dtype=np.float64).reshape(-1, 2)
        return pixels, np.asarray(ids, dtype=np.intp).ravel(), markers

    def _refined(self, grey: NDArray[np.uint8], corners: Any) -> Any:
        """Return the corners to a fraction of a pixel: those of OpenCV 4.6 are half a pixel off.

        The window reaches no marker.
        """
        places = np.asarray(corners, dtype=np.float64).reshape(-1, 2)
        apart = np.linalg.norm(places[:, None] - places, axis=-1)
        pixels = apart[apart > 0].min(initial=np.inf)  # per square, the shortest
        reach = int(np.clip(0.7 * self._margin * pixels, 2, 5))
        criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 0.001)
        return cv2.cornerSubPix(grey, corners.copy(), (reach, reach), (-1, -1), criteria)
