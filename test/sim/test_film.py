"""A film shows what the cell did, and appears only when it is complete."""

from pathlib import Path

import imageio_ffmpeg
import pytest
from helpers.sim_objects import place

from grasp_affordance.errors import CameraError, ConfigError
from grasp_affordance.sim import SimCell
from grasp_affordance.sim.piles import shapes
from grasp_affordance.sim.vision.film import Film, FilmConfig, FilmError, make_gif
from grasp_affordance.sim.vision.viewer import Window

SMALL = FilmConfig(width=160, height=96, fps=10, speed=2.0, shadows=False)


def test_a_film_has_a_picture_for_every_moment_of_every_stack(
    shared_cell: SimCell, tmp_path: Path
) -> None:
    path = tmp_path / "film.mp4"
    objects = [place(shapes.box(0.05, 0.05, 0.05), (0, 0, 0.026))]
    began = shared_cell.time
    with Film(shared_cell, path, SMALL) as film:
        shared_cell.world.step(125)  # a second
        shared_cell.lay_out(objects)
        shared_cell.world.step(125)
        assert not path.exists()
    seconds = shared_cell.time - began
    frames, _ = imageio_ffmpeg.count_frames_and_secs(str(path))
    assert frames == film.pictures
    assert frames == pytest.approx(seconds * SMALL.fps / SMALL.speed, rel=0.1, abs=1)
    shared_cell.world.step(125)
    assert film.pictures == frames  # closed is closed
    gif = tmp_path / "film.gif"
    make_gif(path, gif, width=80, fps=5)
    assert gif.read_bytes()[:4] == b"GIF8"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["film.gif", "film.mp4"]


def test_what_is_no_video_makes_no_gif(tmp_path: Path) -> None:
    nonsense = tmp_path / "film.mp4"
    nonsense.write_bytes(b"nonsense")
    with pytest.raises(FilmError, match="could not convert"):
        make_gif(nonsense, tmp_path / "film.gif")
    assert not (tmp_path / "film.gif").exists()


def test_without_a_display_a_window_is_refused(
    shared_cell: SimCell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(CameraError, match="no display"):
        Window(shared_cell)


@pytest.mark.parametrize("bad", [{"fps": 0}, {"width": 161}])
def test_senseless_films_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        FilmConfig(**bad)  # type: ignore[arg-type]
