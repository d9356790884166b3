"""What the parameters say about the bin, as the `BinView` that the predictor takes."""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.arrays import Mask
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import ConfigError, FrameError
from grasp_affordance.geometry import invert, transform_points
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common.config_values import FilePath
from grasp_affordance.sequence import Sequence


@dataclass(frozen=True)
class BinConfig:
    """Where the bin is; with nothing set, the level planes of the view tell.

    Attributes:
        box: the bin's interior in the base frame (metres); needs the camera's pose.
        sizes: inner sizes of the containers among which the bin is found, metres; used without a
            box, and needs the camera's pose.
        polygon: u v u v ... pixels around the bin's interior in the image; used without a box.
        empty: folder of a sequence whose first frame shows the empty bin from the same camera.
    """

    box: BinGeometry | None = None
    sizes: tuple[tuple[float, float, float], ...] = ()
    polygon: tuple[tuple[float, float], ...] = ()
    empty: FilePath = ""

    def __post_init__(self) -> None:
        if self.polygon and len(self.polygon) < 3:
            raise ConfigError("bin.polygon: three or more pixels u v are needed")


class BinViewSource:
    """Builds the `BinView` of each frame; remembers where the bin was found last.

    Raises:
        SequenceError: the reference of the empty bin cannot be read.
    """

    def __init__(self, config: BinConfig) -> None:
        self.config = config
        self._polygon = np.array(config.polygon) if config.polygon else None
        self._empty: RgbdFrame | None = None
        self._found: BinGeometry | None = None
        if config.empty:
            reference = Sequence(Path(config.empty))
            self._empty = reference.read(reference.names[0])

    @property
    def needs_pose(self) -> bool:
        """Whether the bin cannot be found without the camera's pose."""
        return self.config.box is not None or bool(self.config.sizes)

    def area(
        self,
        frame: RgbdFrame,
        T_base_camera: NDArray[np.float64] | None,
        box: BinGeometry | None,
    ) -> NDArray[np.bool_] | None:
        """Return the pixels (H, W) in which the bin's interior is seen; None where nobody knows.

        Of a box it is what lies within the outline of its floor and rim; nothing where a part of
        it is behind the camera.

        Args:
            box: of this frame.

        Raises:
            FrameError: none of it is in the image.
        """
        outline = self._polygon
        if box is not None and T_base_camera is not None:
            corners = transform_points(invert(T_base_camera), box.corners())
            pixels = frame.intrinsics.project(corners)
            if not np.isfinite(pixels).all():
                return np.zeros(frame.shape, bool)  # it reaches behind the camera
            outline = cv2.convexHull(pixels.astype(np.float32))
        if outline is None:
            return None
        points = np.round(outline).astype(np.int32).reshape(-1, 1, 2)
        inside = cv2.fillPoly(np.zeros(frame.shape, np.uint8), [points], (1,)).astype(bool)
        if not inside.any():
            raise FrameError("the bin is outside the image; measure bin, or camera.region, again")
        return inside

    def view(
        self,
        frame: RgbdFrame,
        T_base_camera: NDArray[np.float64] | None,
        robot: Mask | None = None,
    ) -> BinView:
        """Return what is known for a frame.

        Args:
            T_base_camera: (4, 4) from which it was taken.
            robot: pixels (H, W) that show the robot.

        Raises:
            BinNotFoundError: the bin has to be found, and is not.
            ConfigError: it has to be found, and `T_base_camera` is not known.
        """
        config = self.config
        known = BinView(
            T_base_camera,
            config.box,
            self._polygon,
            self._empty,
            robot,
            config.sizes,
            self._found,
        ).with_bin_found(frame)
        self._found = known.bin
        if robot is not None and robot.any():
            area = self.area(frame, T_base_camera, known.bin)
            known = replace(known, robot=robot if area is None else robot & area)
        return known
