"""The ChArUco board: what is printed, and where it is in an image."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.calibration.errors import BoardError
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Array, Intrinsics, transform_points

_FEWEST_CORNERS = 4  # of a pose; a sample asks for more


@dataclass(frozen=True)
class BoardConfig:
    """A printed ChArUco board. Measure a printed square: printers scale.

    Attributes:
        columns, rows: squares along the board's x and y.
        square: side of a square, metres.
        marker: side of a marker inside a white square, metres.
        dictionary: of the markers, as OpenCV names it.
        legacy: boards with an even number of rows that were made by OpenCV before 4.6.
        fewest_corners: a view with fewer inner corners is refused.
        most_error: root mean square reprojection error of a view, pixels.
    """

    columns: int = 7
    rows: int = 5
    square: float = 0.030
    marker: float = 0.022
    dictionary: str = "DICT_5X5_100"
    legacy: bool = False
    fewest_corners: int = 8
    most_error: float = 1.5

    def __post_init__(self) -> None:
        if min(self.columns, self.rows) < 3:
            raise ConfigError(f"a board of {self.columns}x{self.rows} squares: 3x3 is the smallest")
        if not 0 < self.marker < self.square:
            raise ConfigError(f"marker {self.marker} m must be smaller than square {self.square} m")
        if not self.dictionary.startswith("DICT_") or not hasattr(cv2.aruco, self.dictionary):
            raise ConfigError(f"'{self.dictionary}' is no dictionary of cv2.aruco (DICT_5X5_100)")
        if self.fewest_corners < _FEWEST_CORNERS or self.most_error <= 0:
            raise ConfigError("fewest_corners must be at least 4 and most_error positive")

    def board(self) -> cv2.aruco.CharucoBoard:
        """Return OpenCV's board."""
        dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, self.dictionary))
        size = (self.columns, self.rows)
        board = cv2.aruco.CharucoBoard(size, self.square, self.marker, dictionary)
        board.setLegacyPattern(self.legacy)
        return board

    def picture(self, pixels_per_square: int = 100) -> NDArray[np.uint8]:
        """Return the board for printing, (H, W) uint8, without a margin."""
        size = (self.columns * pixels_per_square, self.rows * pixels_per_square)
        return np.asarray(self.board().generateImage(size), dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class BoardView:
    """A board found in an image.

    Attributes:
        corners: (N, 2) pixels (u, v).
        points: (N, 3) the same corners in the board's frame, metres.
        T_camera_board: (4, 4).
        error: root mean square reprojection error, pixels.
    """

    corners: Array
    points: Array
    T_camera_board: Array
    error: float


def find_board(image: NDArray[np.uint8], intrinsics: Intrinsics, config: BoardConfig) -> BoardView:
    """Find the board in a rectified image, (H, W) or (H, W, 3) uint8.

    Raises:
        BoardError: it cannot be used, with the reason.
    """
    if image.shape[:2] != (intrinsics.height, intrinsics.width):
        raise BoardError(
            f"the image is {image.shape[1]}x{image.shape[0]}, the intrinsics are for "
            f"{intrinsics.width}x{intrinsics.height}"
        )
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    board = config.board()
    corners, ids, _, marker_ids = cv2.aruco.CharucoDetector(board).detectBoard(grey)
    count = 0 if ids is None else len(ids)
    if count < config.fewest_corners:
        raise BoardError(_too_few(count, marker_ids, config))
    points = np.asarray(board.getChessboardCorners(), dtype=np.float64)[ids.ravel()]
    if np.linalg.matrix_rank(points[:, :2] - points[0, :2], tol=1e-6) < 2:
        raise BoardError(f"the {count} corners found lie on one line: show more of the board")
    return locate(np.asarray(corners, dtype=np.float64).reshape(-1, 2), points, intrinsics, config)


def locate(corners: Array, points: Array, intrinsics: Intrinsics, config: BoardConfig) -> BoardView:
    """Return the pose of corners (N, 2) pixels, known as points (N, 3) of the board, metres.

    Raises:
        BoardError: no pose explains them.
    """
    K = intrinsics.matrix
    # Planar: IPPE gives both minima with their errors, the first is the better.
    count, rotations, translations, _ = cv2.solvePnPGeneric(
        points, corners, K, None, flags=cv2.SOLVEPNP_IPPE
    )
    if not count:
        raise BoardError("no pose explains the corners found")
    rotation, translation = cv2.solvePnPRefineLM(
        points, corners, K, None, rotations[0], translations[0]
    )
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = cv2.Rodrigues(rotation)[0], translation.ravel()
    distance = intrinsics.project(transform_points(T, points)) - corners
    error = float(np.sqrt((distance**2).sum(axis=1).mean()))
    if not error <= config.most_error:  # also refuses NaN
        raise BoardError(
            f"reprojection error {error:.2f} pixels, more than {config.most_error:.2f}: a bent "
            "board, motion blur, or intrinsics of another stream"
        )
    return BoardView(corners, points, T, error)


def _too_few(count: int, marker_ids: Any, config: BoardConfig) -> str:
    markers = 0 if marker_ids is None else len(marker_ids)
    if markers == 0:
        return (
            f"no marker of {config.dictionary} found: the board is out of view, blurred, mirrored, "
            "or of another dictionary"
        )
    return (
        f"{count} corners of the board between {markers} markers found, {config.fewest_corners} "
        "needed: partly hidden, too far, or columns, rows and legacy do not match the print"
    )
