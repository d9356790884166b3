"""MuJoCo's interactive window on a running cell, for those with a display."""

import os
import sys
import time

import mujoco.viewer

from grasp_affordance.errors import CameraError
from grasp_affordance.files import Closing
from grasp_affordance.sim.cell import SimCell
from grasp_affordance.sim.vision.film import FilmConfig, side_view
from grasp_affordance.sim.world import World

_INTERVAL = 1 / 30  # seconds between pictures


class Window(Closing):
    """Shows a cell while it is open; closing the window does not stop the cell.

    The window follows the cell, which sets the pace: give it `SimConfig.real_time_factor`.
    """

    def __init__(self, cell: SimCell) -> None:
        """Open a window on the present stack.

        Raises:
            CameraError: there is no display.
        """
        self._cell = cell
        self._last = 0.0
        self._open(cell.world)
        cell.on_new_stack.append(self._reopen)

    def _open(self, world: World) -> None:
        if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
            raise CameraError("no display for a window; film the cell instead")
        self._handle = mujoco.viewer.launch_passive(
            world.model, world.data, show_left_ui=False, show_right_ui=False
        )
        view = side_view(FilmConfig())
        with self._handle.lock():
            camera = self._handle.cam
            camera.lookat[:] = view.lookat
            camera.distance, camera.azimuth = view.distance, view.azimuth
            camera.elevation = view.elevation
        world.listeners.append(self._show)

    def _reopen(self, world: World) -> None:
        self._handle.close()
        self._open(world)

    def _show(self) -> None:
        now = time.monotonic()
        if now - self._last > _INTERVAL and self._handle.is_running():
            self._last = now
            self._handle.sync()

    def close(self) -> None:
        """Close the window."""
        self._cell.on_new_stack.remove(self._reopen)
        self._handle.close()
