"""Laws of what the network sees of a frame."""

import numpy as np
import pytest
import torch
from helpers.networks import noise_frame

from grasp_affordance.errors import ConfigError
from grasp_affordance.papers.suction.cells import Window
from grasp_affordance.papers.suction.inputs import (
    Holes,
    InputConfig,
    Streams,
    normalised_depth,
    stream_images,
    window_tensor,
)

NAN = np.float32("nan")


def test_depth_maps_linearly_from_the_range_to_zero_and_one_and_is_clipped() -> None:
    depth = np.array([[0.2, 0.4, 0.6, 0.8, 5.0]], np.float32)
    scaled = normalised_depth(depth, InputConfig(depth_near=0.4, depth_far=0.8))
    np.testing.assert_allclose(scaled, [[0, 0, 0.5, 1, 1]], atol=1e-6)


def test_marked_holes_are_zero() -> None:
    scaled = normalised_depth(np.array([[0.75, NAN]], np.float32), InputConfig(holes=Holes.MARK))
    np.testing.assert_allclose(scaled, [[0.5, 0.0]])


def test_filled_holes_take_the_nearest_known_depth() -> None:
    depth = np.array([[0.75, NAN, NAN, NAN, 1.0]], np.float32)
    scaled = normalised_depth(depth, InputConfig(holes=Holes.NEAREST))
    np.testing.assert_allclose(scaled[0, [0, 1, 3, 4]], [0.5, 0.5, 0.75, 0.75])
    assert scaled[0, 2] in (0.5, 0.75)


def test_depth_without_any_known_pixel_is_finite_either_way() -> None:
    for holes in Holes:
        scaled = normalised_depth(np.full((3, 3), NAN), InputConfig(holes=holes))
        np.testing.assert_array_equal(scaled, np.zeros((3, 3)))


def test_depth_is_the_same_in_three_channels() -> None:
    color, depth = stream_images(noise_frame(9, 12), InputConfig())
    assert color.shape == depth.shape == (9, 12, 3)
    np.testing.assert_array_equal(depth[..., 0], depth[..., 1])
    np.testing.assert_array_equal(depth[..., 0], depth[..., 2])


def test_streams_are_selectable() -> None:
    frame = noise_frame(9, 12)
    color, depth = stream_images(frame, InputConfig())
    (only_color,) = stream_images(frame, InputConfig(streams=Streams.RGB_RGB))
    (only_depth,) = stream_images(frame, InputConfig(streams=Streams.DEPTH))
    np.testing.assert_array_equal(color, only_color)
    np.testing.assert_array_equal(depth, only_depth)


def test_a_patch_of_168_pixels_becomes_224_network_pixels() -> None:
    images = stream_images(noise_frame(168, 168), InputConfig())
    assert window_tensor(images, Window(0, 0, 56, 56)).shape == (2, 3, 224, 224)


def test_the_network_sees_values_from_zero_to_one() -> None:
    image = np.broadcast_to(np.array([0.0, 0.5, 1.0], np.float32), (24, 24, 3))
    tensor = window_tensor([image], Window(0, 0, 8, 8))
    expected = torch.tensor([0.0, 0.5, 1.0])
    torch.testing.assert_close(tensor.mean(dim=(0, 2, 3)), expected, atol=1e-5, rtol=0)


def test_a_cell_of_the_image_covers_four_by_four_network_pixels_of_the_same_place() -> None:
    image = np.zeros((24, 24, 3), np.float32)
    image[9:12, 15:18] = 1.0  # cell (3, 5)
    tensor = window_tensor([image], Window(0, 0, 8, 8))[0, 0]
    bright = tensor - tensor.min()
    rows, columns = torch.arange(32.0), torch.arange(32.0)
    centre = (bright.sum(1) @ rows / bright.sum(), bright.sum(0) @ columns / bright.sum())
    # Cell (r, c) is network pixels 4 r .. 4 r + 3, whose middle is 4 r + 1.5.
    assert centre[0].item() == pytest.approx(4 * 3 + 1.5, abs=1e-4)
    assert centre[1].item() == pytest.approx(4 * 5 + 1.5, abs=1e-4)


def test_what_hangs_over_the_image_repeats_its_border() -> None:
    frame = noise_frame(24, 22)
    inside = stream_images(frame, InputConfig())
    repeated = [np.pad(image, ((0, 0), (0, 2), (0, 0)), mode="edge") for image in inside]
    window = Window(0, 0, 8, 8)
    torch.testing.assert_close(window_tensor(inside, window), window_tensor(repeated, window))


@pytest.mark.parametrize(
    "values",
    [{"depth_near": 1.0, "depth_far": 0.5}, {"depth_near": -1.0}, {"streams": "x"}, {"holes": "x"}],
)
def test_values_outside_their_range_are_refused(values: dict) -> None:
    with pytest.raises(ConfigError):
        InputConfig(**values)
