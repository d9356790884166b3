import numpy as np
import pytest
import torch
from helpers.annotation_scenes import Block, frame
from helpers.detection_scenes import block_sample
from hypothesis import given, settings
from hypothesis import strategies as st

from grasp_affordance.annotation.metrics import angle_between, matches
from grasp_affordance.detection.dense.detector import DenseDetector
from grasp_affordance.detection.dense.input import Inputs, dense_input
from grasp_affordance.detection.dense.network import OUTPUTS, STRIDE, DenseConfig, DenseNetwork
from grasp_affordance.detection.dense.targets import decode, encode
from grasp_affordance.detection.warp import Similarity, warp_frame
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.rgbd import RgbdFrame

RESOLUTION = 0.002


def tilted_floor(slope: float, shift: float = 0.0) -> RgbdFrame:
    """A floor that recedes by `slope` metres per pixel, with a bar 3 cm high on it."""
    view = frame(Block(160, 120, 70, 24, 0.4, height=0.03))
    ramp = (np.arange(320) - 160) * slope + shift
    return RgbdFrame(view.color, view.depth + ramp.astype(np.float32), view.intrinsics)


@given(
    st.floats(20, 100),
    st.floats(20, 100),
    st.floats(0, 3.1415),
    st.floats(4, 20),
    st.floats(8, 40),
)
def test_what_is_encoded_is_decoded(x: float, y: float, theta: float, w: float, h: float) -> None:
    """The best cell tells the rectangle again: on its centre line, same angle and opening."""
    label = GraspRectangle(x, y, theta, w, h)
    targets = encode([label], np.zeros((128, 128), bool), STRIDE)
    values = np.concatenate([targets.offset, targets.angle, targets.log_h[None]])
    cells = decode(targets.score, values, STRIDE, 1, 0.0)
    assert angle_between(float(cells.theta[0]), theta) < 1e-3
    assert cells.h[0] == pytest.approx(h, rel=1e-4)
    du, dv = cells.x[0] - x, cells.y[0] - y
    across = dv * np.cos(theta) - du * np.sin(theta)
    along = du * np.cos(theta) + dv * np.sin(theta)
    assert abs(across) < 1e-3
    assert abs(along) < max(STRIDE, 0.55 * w)  # still within the plates


def test_cells_near_a_grasp_are_known_whatever_the_mask_says() -> None:
    label = GraspRectangle(60, 60, 0.3, 10, 24)
    nothing, everything = np.zeros((128, 128), bool), np.ones((128, 128), bool)
    targets = encode([label], nothing, STRIDE)
    assert targets.known[targets.weight > 0].all()
    assert targets.known.mean() < 0.02
    assert encode([label], everything, STRIDE).known.all()


def test_a_positive_is_learned_and_an_unknown_place_is_not() -> None:
    """The gradient of the score's loss at cells of unknown areas is exactly zero."""
    sample = block_sample(0)
    half = sample.known.copy()
    half[:, 160:] = False
    detector = DenseDetector(DenseConfig(crop=64))
    outputs: list[torch.Tensor] = []

    def keep(*args: object) -> None:
        output = args[-1]
        assert isinstance(output, torch.Tensor)
        output.retain_grad()
        outputs.append(output)

    detector.network.register_forward_hook(keep)
    left = tuple(r for r in sample.rectangles if r.x < 140)
    assert left
    view = type(sample)(sample.name, sample.frame, left, half)
    torch.stack(list(detector.losses([view]).values())).sum().backward()
    gradient = outputs[0].grad
    assert gradient is not None
    assert (gradient[0, :, :, 161 // STRIDE + 6 :] == 0).all()
    assert (gradient[0, 0, :, : 120 // STRIDE] != 0).all()


@pytest.mark.parametrize("distance", [-0.3, 0.5])
def test_the_input_does_not_know_how_far_the_camera_is(distance: float) -> None:
    """The same relief at another distance, same size in the image, looks the same."""
    near, far = (dense_input(tilted_floor(0.0, shift), RESOLUTION) for shift in (0.0, distance))
    assert near.shape == (9, 240, 320)
    assert np.allclose(near, far, atol=0.02)


def test_the_input_hardly_changes_when_the_camera_tilts() -> None:
    """15 degrees change the means' and the lowest surface's channels by less than the bar does."""
    flat = dense_input(tilted_floor(0.0), RESOLUTION)
    tilted = dense_input(tilted_floor(RESOLUTION * np.tan(np.radians(15))), RESOLUTION)
    middle = np.s_[:, 60:180, 80:240]
    change = np.abs(flat[middle] - tilted[middle]).mean(axis=(1, 2))
    bar = np.abs(flat[middle]).max(axis=(1, 2))
    assert (change[:3] < 0.06 * bar[:3]).all()
    assert (change[3:5] < 0.8 * bar[3:5]).all()


@pytest.mark.parametrize("known", [0.0, 0.3])
def test_the_input_is_finite_however_little_depth_there_is(known: float) -> None:
    view = frame(Block(160, 120, 70, 24))
    holes = np.random.default_rng(0).random(view.shape) >= known
    view.depth[holes] = np.nan
    assert np.isfinite(dense_input(view, RESOLUTION)).all()


def test_relief_and_color_can_be_seen_alone() -> None:
    view = frame(Block(160, 120, 70, 24), rng=np.random.default_rng(0))
    both, depth, color = (dense_input(view, RESOLUTION, inputs) for inputs in Inputs)
    assert np.array_equal(both, np.concatenate([depth, color]))
    assert (len(depth), len(color)) == (Inputs.DEPTH.channels, Inputs.COLOR.channels)
    dark = RgbdFrame(np.zeros_like(view.color), view.depth, view.intrinsics)
    assert np.array_equal(dense_input(dark, RESOLUTION, Inputs.DEPTH), depth)


@settings(max_examples=8)
@given(st.integers(1, 5), st.integers(1, 5))
def test_the_network_gives_a_cell_per_four_pixels(rows: int, columns: int) -> None:
    network = DenseNetwork(DenseConfig(widths=(4, 4, 8, 8))).eval()
    with torch.inference_mode():
        output = network(torch.zeros(1, 9, 16 * rows, 16 * columns))
    assert output.shape == (1, OUTPUTS, 4 * rows, 4 * columns)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_a_view_has_the_same_metres_per_pixel_whatever_the_camera(scale: float) -> None:
    view = frame(Block(160, 120, 70, 24))
    camera = view.intrinsics.scaled(scale)
    resized = warp_frame(view, Similarity.resize(scale), (camera.width, camera.height))
    detector = DenseDetector(DenseConfig(resolution=RESOLUTION))
    look = detector.view(resized)
    seen = warp_frame(resized, look.similarity, look.size)
    assert 0.8 / seen.intrinsics.fx == pytest.approx(RESOLUTION, rel=0.01)
    assert look.size[0] % 16 == look.size[1] % 16 == 0
    assert abs(seen.intrinsics.cx - look.centre[0]) < 1


def test_a_region_bounds_what_is_looked_at() -> None:
    view = frame(Block(160, 120, 70, 24))
    region = np.zeros(view.shape, bool)
    region[80:160, 100:220] = True
    detector = DenseDetector()
    assert detector.view(view, region).size < detector.view(view).size
    u, v = detector.view(view, region).similarity.points((159.5, 119.5))
    assert (u, v) == pytest.approx(detector.view(view, region).centre, abs=1.5)
    nothing = detector.view(view, np.zeros(view.shape, bool))
    assert nothing.size == detector.view(view).size


def test_the_plates_are_as_wide_as_the_gripper_at_every_depth() -> None:
    camera = Intrinsics(600.0, 600.0, 63.5, 63.5, 128, 128)
    detector = DenseDetector(plate_length=0.02)
    with torch.no_grad():
        last = detector.network.head[-1]
        assert isinstance(last, torch.nn.Conv2d)
        assert last.bias is not None
        last.bias[0] = 2.0  # a grasp everywhere
    detector.eval()
    for z in (0.5, 1.0):
        view = RgbdFrame(
            np.zeros((128, 128, 3), np.uint8), np.full((128, 128), z, np.float32), camera
        )
        proposals = detector.propose(view)
        assert len(proposals) > 100
        assert all(p.rectangle.w == pytest.approx(0.02 * 600 / z) for p in proposals)


def test_decoded_scores_fall() -> None:
    rng = np.random.default_rng(0)
    score = rng.random((20, 30)).astype(np.float32)
    values = rng.normal(size=(5, 20, 30)).astype(np.float32)
    cells = decode(score, values, STRIDE, 50, 0.3)
    assert (np.diff(cells.score) <= 0).all()
    assert cells.score.min() >= 0.3
    assert ((cells.theta >= 0) & (cells.theta < np.pi)).all()
    label = GraspRectangle(cells.x[0], cells.y[0], cells.theta[0], 9.0, cells.h[0])
    assert matches(label, label)


@pytest.mark.parametrize(
    "wrong", [{"crop": 100}, {"resolution": 0.0}, {"widths": (1, 2, 3)}, {"widths": (0, 1, 1, 1)}]
)
def test_an_impossible_network_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="dense detector"):
        DenseConfig(**wrong)  # type: ignore[arg-type]
