"""The ChArUco board: what is printed, and where it is in an image."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.calibration.charuco import CharucoBoard
from grasp_affordance.calibration.errors import BoardError
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Array, Intrinsics, transform_points

_FEWEST_CORNERS = 4  # of a pose; a sample asks for more
_FINEST = 0.15  # pixels: no corner is known better, however well they agree with each other
_STEP = 1e-5  # radians and metres, of numeric derivatives


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

    def board(self) -> CharucoBoard:
        """Return OpenCV's board; raises ConfigError where this OpenCV cannot make it."""
        return CharucoBoard(
            self.columns, self.rows, self.square, self.marker, self.dictionary, self.legacy
        )

    def picture(self, pixels_per_square: int = 100) -> NDArray[np.uint8]:
        """Return the board for printing, (H, W) uint8, without a margin."""
        return self.board().picture(pixels_per_square)


@dataclass(frozen=True, eq=False)
class BoardView:
    """A board found in an image.

    Attributes:
        corners: (N, 2) pixels (u, v).
        points: (N, 3) the same corners in the board's frame, metres.
        T_camera_board: (4, 4).
        error: root mean square reprojection error, pixels.
        sigma: standard deviations of `T_camera_board`, in the board's frame: of its position,
            metres, and of its rotation, radians. They grow with the distance, as a board far off
            spans few pixels.
    """

    corners: Array
    points: Array
    T_camera_board: Array
    error: float
    sigma: tuple[float, float]


def find_board(image: NDArray[np.uint8], intrinsics: Intrinsics, config: BoardConfig) -> BoardView:
    """Find the board in an image, (H, W) or (H, W, 3) uint8.

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
    corners, ids, markers = board.detect(np.asarray(grey, dtype=np.uint8))
    count = len(ids)
    if count < config.fewest_corners:
        raise BoardError(_too_few(count, markers, config))
    points = board.corners[ids]
    if np.linalg.matrix_rank(points[:, :2] - points[0, :2], tol=1e-6) < 2:
        raise BoardError(f"the {count} corners found lie on one line: show more of the board")
    return locate(corners, points, intrinsics, config)


def locate(corners: Array, points: Array, intrinsics: Intrinsics, config: BoardConfig) -> BoardView:
    """Return the pose of corners (N, 2) pixels, known as points (N, 3) of the board, metres.

    Raises:
        BoardError: no pose explains them.
    """
    straight = intrinsics.deproject(corners[:, 0], corners[:, 1], 1.0)
    if not np.isfinite(straight).all():
        raise BoardError("a corner is where the lens model does not hold: show the board inside")
    # Where a pinhole would see the corners: OpenCV's solvers know not every lens.
    K = intrinsics.matrix
    seen = straight @ K.T
    seen = np.ascontiguousarray(seen[:, :2])
    # Planar: IPPE gives both minima with their errors, the first is the better.
    count, rotations, translations, _ = cv2.solvePnPGeneric(
        points, seen, K, None, flags=cv2.SOLVEPNP_IPPE
    )
    if not count:
        raise BoardError("no pose explains the corners found")
    rotation, translation = cv2.solvePnPRefineLM(
        points, seen, K, None, rotations[0], translations[0]
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
    return BoardView(corners, points, T, error, _sigma(T, points, intrinsics, error))


def _sigma(
    T_camera_board: Array, points: Array, intrinsics: Intrinsics, error: float
) -> tuple[float, float]:
    """Return `BoardView.sigma` by least squares, for corners that are off by `error` pixels."""
    columns = []
    for axis in range(6):
        pixels = []
        for step in (-_STEP, _STEP):
            move = np.eye(4)
            if axis < 3:
                move[:3, :3] = cv2.Rodrigues(np.eye(3)[axis] * step)[0]
            else:
                move[axis - 3, 3] = step
            pixels.append(intrinsics.project(transform_points(T_camera_board @ move, points)))
        columns.append(((pixels[1] - pixels[0]) / (2 * _STEP)).ravel())
    jacobian = np.stack(columns, axis=1)
    variance = max(error, _FINEST) ** 2 / 2 * np.diag(np.linalg.pinv(jacobian.T @ jacobian))
    return float(np.sqrt(variance[3:].sum())), float(np.sqrt(variance[:3].sum()))


def _too_few(count: int, markers: int, config: BoardConfig) -> str:
    if markers == 0:
        return (
            f"no marker of {config.dictionary} found: the board is out of view, blurred, mirrored, "
            "or of another dictionary"
        )
    return (
        f"{count} corners of the board between {markers} markers found, {config.fewest_corners} "
        "needed: partly hidden, too far, or columns, rows and legacy do not match the print"
    )
