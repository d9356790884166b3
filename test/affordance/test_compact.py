"""The compact network, its grid, features and checkpoints."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from grasp_affordance.affordance.network.checkpoint import Provenance, write_checkpoint
from grasp_affordance.affordance.network.compact import CompactConfig, CompactNetwork
from grasp_affordance.affordance.network.compact_checkpoint import from_checkpoint, to_checkpoint
from grasp_affordance.affordance.network.features import CHANNELS, SHAPE_COUNT, feature_map
from grasp_affordance.affordance.network.observation import observe
from grasp_affordance.affordance.surface.grid import MetricGrid
from grasp_affordance.errors import CheckpointError, ConfigError, FrameError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.models import load_model
from grasp_affordance.rgbd import RgbdFrame

UP = np.array([0.0, 0.0, -1.0])
CONFIG = CompactConfig(members=2, width=4, dilations=(1, 2))
NO_PRIOR = CompactConfig(members=2, width=4, dilations=(1, 2), use_prior=False)


def heap(lift: float = 0.0, size: int = 120) -> RgbdFrame:
    """Two boxes and a ball on a floor, 0.6 m under the camera, with a hole in the depth."""
    v, u = np.mgrid[:size, :size].astype(np.float64)
    depth = np.full((size, size), 0.60)
    depth[20:60, 20:50] = 0.55
    depth[70:110, 60:100] = 0.57
    ball = 0.04**2 - ((u - 85) ** 2 + (v - 35) ** 2) * 0.001**2
    depth = np.where(ball > 0, np.minimum(depth, 0.60 - np.sqrt(np.maximum(ball, 0))), depth)
    depth = (depth - lift).astype(np.float32)
    depth[5:15, 5:15] = np.nan
    color = np.random.default_rng(0).integers(0, 255, (size, size, 3), dtype=np.uint8)
    return RgbdFrame(color, depth, Intrinsics(600, 600, size / 2, size / 2, size, size))


def whole(frame: RgbdFrame) -> np.ndarray:
    return np.ones(frame.shape, dtype=np.bool_)


def test_a_cell_of_the_grid_has_the_size_asked_for() -> None:
    frame = heap()
    grid = MetricGrid.over(frame, whole(frame), 0.0025)
    width = 120 * float(np.nanmedian(frame.depth)) / 600
    assert grid.columns == pytest.approx(width / 0.0025, abs=1)


def test_every_pixel_of_the_region_has_a_cell_and_the_map_returns_to_it() -> None:
    frame = heap()
    region = np.zeros(frame.shape, dtype=np.bool_)
    region[30:91, 40:101] = True
    grid = MetricGrid.over(frame, region, 0.002)
    cells = np.zeros((grid.rows, grid.columns), dtype=np.float32)
    cells[grid.cell(70, 60)] = 1.0
    row, column = np.unravel_index(int(grid.to_image(cells).argmax()), frame.shape)
    assert abs(row - 60) <= 1
    assert abs(column - 70) <= 1


def test_an_unknown_cell_is_never_given_a_value() -> None:
    frame = heap()
    values, share = MetricGrid.over(frame, whole(frame), 0.002).sample_known(frame.depth)
    assert np.isnan(values[share == 0]).all()
    assert np.isnan(values).any()


def test_a_region_without_depth_is_refused() -> None:
    frame = heap()
    region = np.zeros(frame.shape, dtype=np.bool_)
    region[6:12, 6:12] = True
    with pytest.raises(FrameError, match="no depth"):
        MetricGrid.over(frame, region, 0.0025)


def features_of(frame: RgbdFrame) -> np.ndarray:
    grid = MetricGrid.over(frame, whole(frame), 0.002)
    return feature_map(frame, whole(frame), grid, 0.010, UP)


def test_features_are_finite_and_bounded() -> None:
    features = features_of(heap())
    assert features.shape[0] == len(CHANNELS)
    assert np.isfinite(features).all()
    assert np.abs(features).max() <= 3.0


def test_features_turn_with_the_scene() -> None:
    frame = heap()
    turned = RgbdFrame(np.rot90(frame.color).copy(), np.rot90(frame.depth).copy(), frame.intrinsics)
    expected = np.rot90(features_of(frame), 1, (1, 2))
    np.testing.assert_allclose(features_of(turned), expected, atol=0.02)


def test_shape_does_not_depend_on_color_nor_color_on_shape() -> None:
    frame = heap()
    dark = RgbdFrame(np.zeros_like(frame.color), frame.depth, frame.intrinsics)
    np.testing.assert_array_equal(features_of(dark)[:SHAPE_COUNT], features_of(frame)[:SHAPE_COUNT])


def test_a_map_is_the_same_as_its_patches_one_by_one() -> None:
    """Training sees patches, service sees maps: they must agree at every cell."""
    frame = heap()
    network = CompactNetwork(CONFIG, torch.Generator().manual_seed(1)).eval()
    view = observe(frame, whole(frame), UP, CONFIG, np.full(frame.shape, 0.3, np.float32))
    with torch.inference_mode():
        logits = network.forward_map(
            torch.from_numpy(view.features), torch.from_numpy(view.prior_logit)
        )
        for row, column in ((0, 0), (20, 31), (view.grid.rows - 1, 5)):
            patch = view.patch(row, column, CONFIG.reach)
            middle = torch.tensor(view.prior_logit[row, column])
            single = network(torch.from_numpy(patch)[None], middle.reshape(1, 1, 1, 1))
            torch.testing.assert_close(
                single[0, :, 0, 0], logits[:, row, column], atol=1e-4, rtol=1e-4
            )


@pytest.mark.parametrize("dilations", [(1,), (1, 2), (1, 1, 3), (1, 2, 4, 8)])
def test_the_cell_in_the_middle_of_a_patch_is_evaluated_as_by_the_whole_network(
    dilations: tuple[int, ...],
) -> None:
    network = CompactNetwork(replace(CONFIG, dilations=dilations))
    size = 2 * sum(dilations) + 1
    patches, prior = torch.randn(3, len(CHANNELS), size, size), torch.randn(3)
    whole = network(patches, prior[:, None, None, None])[..., 0, 0]
    torch.testing.assert_close(network.forward_cells(patches, prior), whole)


@pytest.mark.parametrize("dilations", [(2,), (1, 2, 3), (1, 4, 2)])
def test_dilations_that_do_not_divide_each_other_are_refused(dilations: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="dilations"):
        CompactConfig(dilations=dilations)


def test_the_prior_is_an_offset_of_the_logit() -> None:
    network = CompactNetwork(CONFIG)
    features = torch.randn(1, len(CHANNELS), 2 * CONFIG.reach + 1, 2 * CONFIG.reach + 1)
    without = network(features, torch.zeros(1, 1, 1, 1))
    offset = 1.5 * CONFIG.prior_trust
    torch.testing.assert_close(network(features, torch.full((1, 1, 1, 1), 1.5)), without + offset)


@pytest.mark.parametrize(
    "config",
    [
        replace(CONFIG, use_color=False),
        replace(CONFIG, use_segments=False),
        replace(CONFIG, use_markings=False),
    ],
)
def test_who_looks_at_more_begins_where_the_weights_that_saw_less_ended(
    config: CompactConfig,
) -> None:
    blind = CompactNetwork(config)
    optimiser = torch.optim.AdamW(blind.parameters(), lr=0.1, weight_decay=0.01)
    size = 2 * CONFIG.reach + 1
    patches, prior = torch.randn(4, len(CHANNELS), size, size), torch.randn(4)
    for _ in range(3):  # what was not seen must not be moved by learning either
        optimiser.zero_grad()
        blind.forward_cells(patches, prior).square().sum().backward()
        optimiser.step()
    seeing = CompactNetwork(blind.config.seeing(CONFIG))
    assert seeing.config == CONFIG
    seeing.load_state_dict(blind.state_dict())
    torch.testing.assert_close(
        seeing.forward_cells(patches, prior), blind.forward_cells(patches, prior)
    )


def test_weights_that_see_a_channel_that_is_not_computed_are_refused() -> None:
    other = to_checkpoint(CompactNetwork(CONFIG).state_dict(), CONFIG, Provenance())
    names = [*CHANNELS[:-1], "temperature"]
    with pytest.raises(CheckpointError, match="temperature"):
        from_checkpoint(replace(other, config={**other.config, "channels": names}))


def test_weights_of_fewer_channels_are_refused() -> None:
    state = CompactNetwork(CONFIG).state_dict()
    state["stem.weight"] = state["stem.weight"][:, :-1]
    with pytest.raises(CheckpointError, match="not those of the compact network"):
        from_checkpoint(to_checkpoint(state, CONFIG, Provenance()))


def test_untaught_weights_rank_as_the_prior_does() -> None:
    """A robot that has learned nothing yet picks what geometry recommends."""
    network = CompactNetwork(replace(CONFIG, members=5, width=16))
    features = torch.randn(len(CHANNELS), 12, 12)
    prior = torch.linspace(-4.0, 4.0, 144).reshape(12, 12)
    logits = network.forward_map(features, prior).mean(dim=0).detach()
    assert torch.corrcoef(torch.stack([logits.ravel(), prior.ravel()]))[0, 1] > 0.95


def test_members_share_no_weights() -> None:
    network = CompactNetwork(NO_PRIOR)
    size = 2 * NO_PRIOR.reach + 1
    logits = network(torch.randn(1, len(CHANNELS), size, size), torch.zeros(1, 1, 1, 1))
    logits[0, 0].sum().backward()
    hidden = network.head.weight.grad
    assert hidden is not None
    assert hidden[0].abs().sum() > 0
    assert hidden[1].abs().sum() == 0


def saved(path: Path, config: CompactConfig) -> Path:
    network = CompactNetwork(config, torch.Generator().manual_seed(3))
    checkpoint = to_checkpoint(network.state_dict(), config, Provenance(attempts=12), 1.3, -0.2)
    write_checkpoint(path, checkpoint)
    return path


def test_a_saved_model_predicts_probabilities_where_it_is_asked(tmp_path: Path) -> None:
    frame = heap()
    model = load_model(saved(tmp_path / "model.safetensors", NO_PRIOR))
    region = np.zeros(frame.shape, dtype=np.bool_)
    region[50:70, 50:70] = True
    affordance = model.predict(frame, region, up=UP)
    assert affordance.shape == frame.shape
    assert affordance.dtype == np.float32
    assert 0 <= affordance.min() <= affordance.max() <= 1
    assert affordance[50:70, 50:70].min() > 0
    assert model.version.startswith("compact-000012-")


def test_a_model_trained_with_the_prior_asks_for_it(tmp_path: Path) -> None:
    model = load_model(saved(tmp_path / "model.safetensors", CONFIG))
    with pytest.raises(ConfigError, match="seal prior"):
        model.predict(heap())


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    network = CompactNetwork(NO_PRIOR)
    wrong = CompactConfig(members=3, width=4, dilations=(1, 2))
    path = tmp_path / "wrong.safetensors"
    write_checkpoint(path, to_checkpoint(network.state_dict(), wrong, Provenance()))
    with pytest.raises(CheckpointError, match="compact network"):
        load_model(path)


def test_texture_tells_speckles_from_paint_of_the_same_color() -> None:
    rng = np.random.default_rng(0)
    frame = heap()
    painted, speckled = (np.full_like(frame.color, 120) for _ in range(2))
    speckled[rng.random(frame.shape) < 0.3] = 40
    plain, rough = (
        features_of(RgbdFrame(color, frame.depth, frame.intrinsics))[CHANNELS.index("texture")]
        for color in (painted, speckled)
    )
    assert rough.mean() > plain.mean() + 1.0
