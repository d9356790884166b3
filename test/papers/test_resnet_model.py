"""Laws of prediction: a frame in, a map of the same size out, in both modes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.networks import noise_frame, part_of, small_config, small_network
from numpy.typing import NDArray

from grasp_affordance.errors import ConfigError, FrameError
from grasp_affordance.papers.suction.inputs import Streams, stream_images, window_tensor
from grasp_affordance.papers.suction.resnet_model import (
    InferenceConfig,
    Mode,
    ResnetModel,
    tile_at,
)
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence

REAL_SCENE = Path(__file__).parents[3] / "shared/data/real/tote_mixed"
CONVOLUTIONAL = InferenceConfig(mode=Mode.CONVOLUTIONAL)


@pytest.fixture(scope="module")
def patches() -> ResnetModel:
    """The paper's mode."""
    return ResnetModel(small_network())


@pytest.fixture(scope="module")
def convolutional() -> ResnetModel:
    """The same network in one piece."""
    return ResnetModel(small_network(), CONVOLUTIONAL)


def difference(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Largest absolute difference."""
    return float(np.abs(a - b).max())


@pytest.mark.parametrize("mode", ["patches", "convolutional"])
@pytest.mark.parametrize("shape", [(200, 170), (100, 301), (2, 1)])
def test_the_map_has_the_size_of_the_frame_and_is_constant_in_cells(
    mode: str, shape: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    image = request.getfixturevalue(mode).predict(noise_frame(*shape))
    assert image.shape == shape
    assert image.dtype == np.float32
    assert 0 < image.min() <= image.max() < 1
    v, u = np.mgrid[: shape[0], : shape[1]]
    np.testing.assert_array_equal(image, image[v // 3 * 3, u // 3 * 3])


def test_for_a_view_of_one_patch_the_two_modes_agree(
    patches: ResnetModel, convolutional: ResnetModel
) -> None:
    frame = noise_frame(168, 168)
    np.testing.assert_allclose(patches.predict(frame), convolutional.predict(frame), atol=1e-6)


def test_in_larger_views_they_differ_as_a_patch_is_smaller_than_the_receptive_field(
    patches: ResnetModel, convolutional: ResnetModel
) -> None:
    frame = noise_frame(168, 336)
    assert difference(patches.predict(frame), convolutional.predict(frame)) > 1e-4


def test_each_patch_of_a_view_is_predicted_as_if_it_were_alone(patches: ResnetModel) -> None:
    frame = noise_frame(168, 336)  # two patches side by side, without overlap
    whole = patches.predict(frame)
    for u0 in (0, 168):
        alone = patches.predict(part_of(frame, u0, 0, 168, 168))
        np.testing.assert_allclose(whole[:, u0 : u0 + 168], alone, atol=1e-6)


def test_the_batch_size_changes_nothing(patches: ResnetModel) -> None:
    frame = noise_frame(60, 250)
    one = ResnetModel(small_network(), InferenceConfig(batch=1))
    np.testing.assert_allclose(one.predict(frame), patches.predict(frame), atol=1e-6)


def test_a_shift_by_the_coarsest_stride_shifts_the_map(convolutional: ResnetModel) -> None:
    # The encoder reaches 217 network pixels to each side and the decoder 120 more (two 3x3
    # convolutions at strides 32, 16, 8, 4): 337 of them are 253 image pixels.
    reach, width = 255, 768
    frame = noise_frame(24, width)
    original = convolutional.predict(frame)

    def shifted_map_differs_by(shift: int) -> float:
        shifted = convolutional.predict(part_of(frame, shift, 0, width - shift, 24))
        inner = slice(reach, width - 24 - reach)
        return difference(original[:, shift:][:, inner], shifted[:, inner])

    assert shifted_map_differs_by(24) < 1e-5
    assert shifted_map_differs_by(3) > 1e-4  # the coarse scales are sampled elsewhere


def test_a_region_is_predicted_over_its_bounding_box_only(
    patches: ResnetModel, convolutional: ResnetModel
) -> None:
    frame = noise_frame(180, 300)
    region = np.zeros(frame.shape, bool)
    region[60:120, 91] = region[70, 90:240] = True
    inside = np.zeros(frame.shape, bool)
    inside[60:120, 90:240] = True
    for model in (patches, convolutional):
        image = model.predict(frame, region)
        assert (image[inside] > 0).all()
        assert (image[~inside] == 0).all()


def test_a_region_that_moves_by_less_than_a_stride_leaves_the_overlap_as_it_was(
    convolutional: ResnetModel,
) -> None:
    frame = noise_frame(120, 240)
    one, other = np.zeros(frame.shape, bool), np.zeros(frame.shape, bool)
    one[48:96, 48:96] = True
    other[50:96, 51:93] = True
    first, second = convolutional.predict(frame, one), convolutional.predict(frame, other)
    np.testing.assert_allclose(first[51:96, 51:93], second[51:96, 51:93], atol=1e-6)


@pytest.mark.parametrize("mode", ["patches", "convolutional"])
@pytest.mark.parametrize("pixel", [(40, 100), (180, 45)])
def test_what_changes_in_the_image_changes_the_map_there(
    mode: str, pixel: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    model = request.getfixturevalue(mode)
    frame = noise_frame(168, 250)
    u, v = pixel
    color = frame.color.copy()
    color[v - 4 : v + 5, u - 4 : u + 5] = 255 - color[v - 4 : v + 5, u - 4 : u + 5]
    changed = RgbdFrame(color, frame.depth, frame.intrinsics)
    response = np.abs(model.predict(changed) - model.predict(frame))
    peak = np.unravel_index(int(response.argmax()), response.shape)
    assert np.hypot(peak[0] - v, peak[1] - u) < 24  # within one pixel of the coarsest scale


@pytest.mark.parametrize("streams", [Streams.RGB_RGB, Streams.DEPTH])
def test_a_stream_that_is_not_selected_has_no_influence(streams: Streams) -> None:
    model = ResnetModel(small_network(streams))
    one, other = noise_frame(60, 60, seed=0), noise_frame(60, 60, seed=1)
    if streams == Streams.RGB_RGB:
        mixed = RgbdFrame(one.color, other.depth, one.intrinsics)
    else:
        mixed = RgbdFrame(other.color, one.depth, one.intrinsics)
    np.testing.assert_allclose(model.predict(mixed), model.predict(one), atol=1e-5)
    assert difference(model.predict(other), model.predict(one)) > 1e-4


def test_the_training_patch_of_a_pixel_predicts_what_the_map_says_there(
    patches: ResnetModel,
) -> None:
    frame = noise_frame(100, 260)
    region = np.zeros(frame.shape, bool)
    region[10:95, 20:250] = True
    image = patches.predict(frame, region)
    for u, v in [(20, 10), (110, 50), (249, 94)]:
        tile, (row, column) = tile_at(frame.shape, (u, v), region)
        streams = window_tensor(stream_images(frame, small_config().inputs), tile.window)
        with torch.inference_mode():
            output = patches.network.probabilities(streams[None])
        assert output[0, 0, row, column].item() == pytest.approx(float(image[v, u]), abs=1e-6)


def test_threads_may_share_a_model(convolutional: ResnetModel) -> None:
    frames = [noise_frame(48, 72, seed) for seed in range(4)]
    alone = [convolutional.predict(frame) for frame in frames]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(convolutional.predict, frames))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_version_names_the_weights() -> None:
    network = small_network()
    version = ResnetModel(network).version
    assert version.startswith("resnet18-rgbd-")
    assert ResnetModel(small_network(), CONVOLUTIONAL).version == version
    assert ResnetModel(small_network(decoder_seed=1)).version != version


def test_frames_without_depth_are_refused_only_by_networks_that_look_at_depth() -> None:
    frame = noise_frame(60, 60)
    blind = RgbdFrame(frame.color, np.full_like(frame.depth, np.nan), frame.intrinsics)
    with pytest.raises(FrameError, match="depth pixels are known"):
        ResnetModel(small_network(Streams.RGBD)).predict(blind)
    assert ResnetModel(small_network(Streams.RGB_RGB)).predict(blind).shape == (60, 60)


def test_an_empty_region_is_refused(patches: ResnetModel) -> None:
    frame = noise_frame(60, 60)
    with pytest.raises(FrameError, match="no pixel"):
        patches.predict(frame, np.zeros(frame.shape, bool))


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(ConfigError, match="warp"):
        ResnetModel(small_network(), InferenceConfig(device="warp"))


@pytest.mark.skipif(
    not REAL_SCENE.exists(), reason="the recorded scenes are not beside the repository"
)
def test_a_real_frame_gives_a_finite_map(patches: ResnetModel) -> None:
    frame = Sequence(REAL_SCENE).read("0000")
    region = np.zeros(frame.shape, bool)
    region[200:260, 250:400] = True
    assert np.isfinite(patches.predict(frame, region)).all()
