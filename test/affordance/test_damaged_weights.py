"""Laws of damaged weights: what is read is a valid model, or one error that names the file."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.networks import small_network

from grasp_affordance.affordance.network import checkpoint as checkpoints
from grasp_affordance.affordance.network.checkpoint import (
    Checkpoint,
    Provenance,
    read_checkpoint,
    write_checkpoint,
)
from grasp_affordance.affordance.network.compact import CompactConfig, CompactNetwork
from grasp_affordance.affordance.network.compact_checkpoint import to_checkpoint
from grasp_affordance.affordance.network.features import CHANNELS
from grasp_affordance.detection.dense.network import DenseConfig
from grasp_affordance.detection.model import (
    ARCHITECTURES,
    TrainedDetector,
    new_detector,
    read_detector,
    write_detector,
)
from grasp_affordance.errors import CheckpointError
from grasp_affordance.models import load_model
from grasp_affordance.papers.suction import resnet_checkpoint
from grasp_affordance.rectangle import JawConfig

SMALL = CompactConfig(members=2, width=4)
STRANGE: tuple[object, ...] = (
    None,
    True,
    -1,
    0,
    1e300,
    "",
    "nan",
    "x",
    [],
    [[]],
    ["x", 2],
    {},
    {"a": {}},
)


def compact(shift: float = 0.0) -> Checkpoint:
    state = CompactNetwork(SMALL, torch.Generator().manual_seed(0)).state_dict()
    familiar = torch.rand(5, len(CHANNELS)).half()
    return to_checkpoint(state, SMALL, Provenance(attempts=3), 1.0, shift, familiar)


def detector(path: Path) -> Checkpoint:
    jaw, config = JawConfig(), DenseConfig(crop=32, widths=(2, 2, 2, 2))
    write_detector(path, TrainedDetector(new_detector(config, jaw, 0).eval(), jaw))
    return read_checkpoint(path)


def load(path: Path) -> str:
    """Load a file by what reads its architecture; return the version."""
    if read_checkpoint(path).architecture in ARCHITECTURES:
        return read_detector(path).version
    return load_model(path).version


KINDS = ("compact", "detector", "resnet-unet")


@pytest.fixture(params=KINDS)
def sound(request: pytest.FixtureRequest, tmp_path: Path) -> Checkpoint:
    """A checkpoint of each kind of network that is served."""
    if request.param == "compact":
        return compact()
    if request.param == "detector":
        return detector(tmp_path / "detector.safetensors")
    return resnet_checkpoint.to_checkpoint(small_network(), Provenance())


def with_one_change(data: Any, strange: Any) -> Iterator[Any]:
    """Yield copies of a JSON value in which one value, or one key, is another."""
    if isinstance(data, dict):
        for key in data:
            yield {**data, key: strange}
            yield {name: value for name, value in data.items() if name != key}
            yield from ({**data, key: other} for other in with_one_change(data[key], strange))
    elif isinstance(data, list):
        for index in range(len(data)):
            changed = copy.copy(data)
            changed[index] = strange
            yield changed


def test_the_sound_ones_load(sound: Checkpoint, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a", sound)
    assert load(tmp_path / "a")


@pytest.mark.parametrize("sound", KINDS[:2], indirect=True)  # the third takes seconds to load
@pytest.mark.parametrize("strange", STRANGE, ids=repr)
def test_a_strange_value_in_a_signed_header_gives_a_model_or_the_named_error(
    sound: Checkpoint, strange: object, tmp_path: Path
) -> None:
    path, refused = tmp_path / "a", 0
    for config in with_one_change(dict(sound.config), strange):
        write_checkpoint(path, replace(sound, config=config))
        try:
            assert load(path)
        except CheckpointError:
            refused += 1
    assert refused > 0


@pytest.mark.parametrize("config", [[], 3, None, {}, {"network": 5}, {"network": {"inputs": []}}])
def test_a_header_without_a_network_is_refused(
    sound: Checkpoint, config: Any, tmp_path: Path
) -> None:
    write_checkpoint(tmp_path / "a", replace(sound, config=config))
    with pytest.raises(CheckpointError):
        load(tmp_path / "a")


def test_bytes_flipped_or_lost_anywhere_give_the_named_error(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_checkpoint(path, compact())
    data, rng = path.read_bytes(), np.random.default_rng(0)
    places = [*range(64), *rng.integers(0, len(data), 300)]
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError):
            load_model(path)
        path.write_bytes(data[:place])
        with pytest.raises(CheckpointError):
            load_model(path)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_neither_written_nor_read(
    sound: Checkpoint, number: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    write_checkpoint(path, sound)
    before = path.read_bytes()
    for name, tensor in sound.tensors.items():
        if not tensor.is_floating_point():
            continue
        wrong = tensor.clone().contiguous()
        wrong.view(-1)[-1] = number
        spoiled = replace(sound, tensors={**sound.tensors, name: wrong})
        with pytest.raises(CheckpointError, match=f"in '{name}' are not finite"):
            write_checkpoint(path, spoiled)
        assert path.read_bytes() == before
    with monkeypatch.context() as patch:  # a file that another program wrote
        patch.setattr(checkpoints, "_not_finite", lambda _: "")
        write_checkpoint(path, spoiled)
    with pytest.raises(CheckpointError, match="not finite"):
        load(path)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_correction_that_is_not_finite_is_not_written(number: float, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be written"):
        write_checkpoint(tmp_path / "a", compact(shift=number))
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    "familiar", [torch.zeros(3), torch.zeros(0, len(CHANNELS)), torch.zeros(3, 2)], ids=str
)
def test_features_of_tried_places_of_another_shape_are_refused(
    familiar: torch.Tensor, tmp_path: Path
) -> None:
    sound = compact()
    tensors = {**sound.tensors, "familiar": familiar}
    write_checkpoint(tmp_path / "a", replace(sound, tensors=tensors))
    with pytest.raises(CheckpointError, match="features of tried places"):
        load_model(tmp_path / "a")
