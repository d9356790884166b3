"""Films a simulated cell from the side: MP4 while it runs, GIF from that."""

import os
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import mujoco
import numpy as np

from grasp_affordance.errors import ConfigError, GraspAffordanceError
from grasp_affordance.files import Closing
from grasp_affordance.sim.cell import SimCell
from grasp_affordance.sim.vision.render import Renderer
from grasp_affordance.sim.world import World


class FilmError(GraspAffordanceError):
    """The video could not be written or converted."""


@dataclass(frozen=True)
class FilmConfig:
    """How a film looks.

    Attributes:
        width, height: of the picture, pixels; multiples of 16 suit the codec.
        fps: pictures per second of the film.
        speed: simulated seconds per second of the film.
        azimuth, elevation: of the view onto the table, degrees.
        distance: of the eye, metres.
        shadows: cast shadows; costs 30 ms per picture without a GPU.
    """

    width: int = 960
    height: int = 544
    fps: int = 25
    speed: float = 2.0
    azimuth: float = 150.0
    elevation: float = -30.0
    distance: float = 1.30
    shadows: bool = True

    def __post_init__(self) -> None:
        if not (self.fps > 0 and self.speed > 0 and self.distance > 0):
            raise ConfigError("fps, speed and distance of a film must be positive")
        if self.width % 2 or self.height % 2 or min(self.width, self.height) < 16:
            raise ConfigError(f"film size {self.width}x{self.height}: even numbers are needed")


def side_view(config: FilmConfig) -> mujoco.MjvCamera:
    """Return a view of arm, bin and place area."""
    view = mujoco.MjvCamera()
    view.type = mujoco.mjtCamera.mjCAMERA_FREE
    view.lookat[:] = [0.33, -0.14, 0.18]
    view.distance = config.distance
    view.azimuth, view.elevation = config.azimuth, config.elevation
    return view


class Film(Closing):
    """Records every motion of a cell while it is open.

    with Film(cell, Path("picks.mp4")):
        ...  # picks
    """

    def __init__(self, cell: SimCell, path: Path, config: FilmConfig | None = None) -> None:
        """Begin an MP4 (H.264) at `path`, which appears there when the film is closed."""
        self.config = config or FilmConfig()
        self.path = path
        self._cell = cell
        self._view = side_view(self.config)
        self._renderer = Renderer(self.config.width, self.config.height)
        self._unfinished = path.with_name(f".{path.stem}.unfinished{path.suffix}")
        path.parent.mkdir(parents=True, exist_ok=True)
        size = (self.config.width, self.config.height)
        self._sink: Generator[None, bytes | None, None] = imageio_ffmpeg.write_frames(
            str(self._unfinished), size, fps=self.config.fps, quality=7, macro_block_size=2
        )
        self._sink.send(None)
        self._interval = self.config.speed / self.config.fps
        self.pictures = 0
        self._next = cell.time
        self._enter(cell.world)
        cell.on_new_stack.append(self._enter)

    def _enter(self, world: World) -> None:
        self._world = world
        self._renderer.load(world.model)
        world.listeners.append(self._watch)

    def _watch(self) -> None:
        if self._cell.time >= self._next:
            self._next = self._cell.time + self._interval
            self._take()

    def _take(self) -> None:
        # the physics waits for this picture: its lock is held by the caller, in another thread
        world = self._world
        picture = self._renderer.picture(world.data, self._view, self.config.shadows)
        self._sink.send(np.ascontiguousarray(picture).tobytes())
        self.pictures += 1

    def close(self) -> None:
        """Finish the film and put it in its place."""
        self._cell.on_new_stack.remove(self._enter)
        if self._watch in self._world.listeners:
            self._world.listeners.remove(self._watch)
        self._sink.close()
        self._renderer.close()
        os.replace(self._unfinished, self.path)


def make_gif(video: Path, gif: Path, width: int = 480, fps: int = 10) -> None:
    """Convert a video to an animated GIF with a palette of its own.

    Raises:
        FilmError: FFmpeg refused, with its message.
    """
    unfinished = gif.with_name(f".{gif.stem}.unfinished.gif")
    filters = (
        f"fps={fps},scale={width}:-1:flags=lanczos,split[a][b];"
        "[a]palettegen=max_colors=128[p];[b][p]paletteuse=dither=bayer:bayer_scale=4"
    )
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error"]
    command += ["-i", str(video), "-filter_complex", filters, str(unfinished)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FilmError(f"FFmpeg could not convert {video}: {done.stderr.strip()}")
    os.replace(unfinished, gif)
