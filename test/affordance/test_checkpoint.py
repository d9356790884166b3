"""Laws of checkpoints: what is read is what was written, or a named error."""

import json
import os
import re
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import torchvision
from helpers.networks import noise_frame, random_resnet18, small_config, small_network

from grasp_affordance import __version__
from grasp_affordance.affordance.network.checkpoint import (
    Checkpoint,
    Provenance,
    read_checkpoint,
    write_checkpoint,
)
from grasp_affordance.errors import CheckpointError
from grasp_affordance.models import load_model
from grasp_affordance.papers.encoder import Encoder
from grasp_affordance.papers.suction.network import AffordanceNetwork
from grasp_affordance.papers.suction.resnet_checkpoint import from_checkpoint, to_checkpoint
from grasp_affordance.papers.suction.resnet_model import ResnetModel


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A checkpoint of a small network."""
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, to_checkpoint(small_network(decoder_seed=1), Provenance(attempts=12)))
    return path


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Encoder weights in a file."""
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    with torch.random.fork_rng():
        torch.manual_seed(7)
        torch.save(torchvision.models.resnet18(weights=None).state_dict(), path)
    return path


def test_a_loaded_model_predicts_what_the_saved_one_predicts(saved: Path) -> None:
    original, loaded = ResnetModel(small_network(decoder_seed=1)), load_model(saved)
    frame = noise_frame(90, 120)
    np.testing.assert_allclose(loaded.predict(frame), original.predict(frame), atol=1e-5)
    assert loaded.version == original.version


def test_the_weights_of_a_robot_are_loaded_without_the_libraries_of_the_papers() -> None:
    program = (
        "import sys; from grasp_affordance.affordance.shipped import require_shipped_weights; "
        "from grasp_affordance.models import load_model; load_model(require_shipped_weights()); "
        "print({'timm', 'torchvision', 'sympy', 'matplotlib'} & sys.modules.keys())"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "set()", done.stderr


def test_small_matrices_are_multiplied_by_one_thread() -> None:
    program = (
        "import grasp_affordance, os, numpy; numpy.ones((500, 500)) @ numpy.ones((500, 500)); "
        "print(len(os.listdir('/proc/self/task')))"
    )
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=kept)
    assert done.stdout.strip() == "1", done.stderr


def test_a_loaded_network_trains_on(saved: Path) -> None:
    network = from_checkpoint(read_checkpoint(saved))
    assert network.config == small_config(decoder_seed=1)
    network.train()(torch.zeros(1, 2, 3, 32, 32)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.decoder.parameters())
    assert all(parameter.grad is None for parameter in network.encoder.parameters())


def test_provenance_is_kept(tmp_path: Path) -> None:
    provenance = Provenance.of_this_process(attempts=345)
    assert provenance.package_version == __version__
    assert provenance.command
    write_checkpoint(tmp_path / "a", to_checkpoint(small_network(), provenance))
    assert read_checkpoint(tmp_path / "a").provenance == provenance


def test_a_frozen_random_encoder_costs_no_space_and_comes_back_bit_by_bit(saved: Path) -> None:
    assert saved.stat().st_size < 300_000
    loaded = from_checkpoint(read_checkpoint(saved)).encoder.body.state_dict()
    for name, tensor in random_resnet18().body.state_dict().items():
        assert torch.equal(loaded[name], tensor), name


def test_the_default_resnet50_checkpoint_takes_14_megabytes(tmp_path: Path) -> None:
    config = replace(small_config(), backbone="resnet50", decoder_channels=(256, 128, 64, 64))
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, to_checkpoint(AffordanceNetwork(config), Provenance()))
    assert path.stat().st_size == pytest.approx(13.75e6, rel=0.01)


def test_another_encoder_than_the_one_trained_with_is_refused(
    saved: Path, weights_file: Path
) -> None:
    checkpoint = read_checkpoint(saved)
    network = dict(checkpoint.config["network"]) | {"encoder_seed": 1}
    other_seed = replace(checkpoint, config=dict(checkpoint.config) | {"network": network})
    with pytest.raises(CheckpointError, match="not the one this checkpoint was trained with"):
        from_checkpoint(other_seed)
    with pytest.raises(CheckpointError, match="not the one this checkpoint was trained with"):
        load_model(saved, encoder_weights=str(weights_file))


def test_an_encoder_from_a_file_is_found_again_also_where_it_has_moved(
    weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(weights_file.parent)
    network = AffordanceNetwork(replace(small_config(), weights=weights_file.name))
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, to_checkpoint(network, Provenance()))
    monkeypatch.chdir(tmp_path)
    version = ResnetModel(network).version
    assert load_model(path).version == version
    moved = weights_file.rename(tmp_path / "moved.pth")
    with pytest.raises(CheckpointError, match="do not exist"):
        load_model(path)
    assert load_model(path, encoder_weights=str(moved)).version == version
    moved.rename(weights_file)


def test_an_encoder_that_cannot_be_had_again_is_stored_whether_asked_for_or_not(
    saved: Path, tmp_path: Path
) -> None:
    whole = to_checkpoint(small_network(), Provenance(), with_encoder=True)
    unobtainable = from_checkpoint(replace(whole, config=dict(whole.config)))
    assert not unobtainable.encoder.obtainable
    write_checkpoint(tmp_path / "whole", to_checkpoint(unobtainable, Provenance()))
    assert (tmp_path / "whole").stat().st_size > 40e6
    assert load_model(tmp_path / "whole").version == ResnetModel(small_network()).version


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_checkpoint_is_refused(saved: Path, share: float) -> None:
    data = saved.read_bytes()
    saved.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CheckpointError, match="truncated or not a safetensors file"):
        load_model(saved)


@pytest.mark.parametrize("position", [0.1, 0.5, -1])
def test_a_single_wrong_bit_in_the_weights_is_noticed(saved: Path, position: float) -> None:
    data = bytearray(saved.read_bytes())
    (header,) = struct.unpack("<Q", data[:8])
    start = 8 + header
    index = start + int(position * (len(data) - start)) if position > 0 else -1
    data[index] ^= 1
    saved.write_bytes(data)
    with pytest.raises(CheckpointError, match="damaged"):
        load_model(saved)


def test_a_checkpoint_with_wrong_bytes_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_checkpoint(path, Checkpoint("compact", {"width": 16}, {"x": torch.zeros(3)}))
    data, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError):
            read_checkpoint(path)


def test_files_of_others_are_refused(tmp_path: Path, weights_file: Path) -> None:
    safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(CheckpointError, match="no checkpoint of this package"):
        load_model(tmp_path / "foreign.safetensors")
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        load_model(weights_file)
    with pytest.raises(CheckpointError, match="does not exist"):
        load_model(tmp_path / "missing.safetensors")
    with pytest.raises(CheckpointError):
        load_model(tmp_path)


def test_an_unknown_architecture_is_refused_by_name(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a", Checkpoint("transformer", {}, {"x": torch.zeros(1)}))
    with pytest.raises(CheckpointError, match="'transformer'"):
        load_model(tmp_path / "a")


def test_a_header_that_does_not_fit_the_weights_is_refused(saved: Path) -> None:
    checkpoint = read_checkpoint(saved)
    network = dict(checkpoint.config["network"])
    for changes in ({"backbone": "resnet34"}, {"decoder_channels": [16, 16, 16, 8]}):
        config = dict(checkpoint.config) | {"network": network | changes}
        with pytest.raises(CheckpointError, match=r"not those of the|not the one"):
            from_checkpoint(replace(checkpoint, config=config))
    for strange in ({"unknown": 1}, {"backbone": ""}, {"weights": ""}):
        config = dict(checkpoint.config) | {"network": network | strange}
        with pytest.raises(CheckpointError, match="not one of this version"):
            from_checkpoint(replace(checkpoint, config=config))
    config = dict(checkpoint.config) | {"network": network | {"backbone": "resnet19"}}
    with pytest.raises(CheckpointError, match="timm has no model 'resnet19'"):
        from_checkpoint(replace(checkpoint, config=config))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format_version", "2", "update the package"),
        ("format_version", "x", "header .* damaged"),
        ("config", "{", "header .* damaged"),
        ("provenance", json.dumps({"age": 3}), "header .* damaged"),
        ("sha256", "0", "damaged"),
        ("architecture", None, "header .* damaged"),
    ],
)
def test_a_damaged_header_is_refused(
    saved: Path, key: str, value: str | None, message: str
) -> None:
    with safetensors.safe_open(saved, framework="pt") as file:
        header = file.metadata()
    header.pop(key)
    if value is not None:
        header[key] = value
    tensors = safetensors.torch.load_file(saved)
    safetensors.torch.save_file(tensors, saved, metadata=header)
    with pytest.raises(CheckpointError) as raised:
        load_model(saved)
    assert re.search(message, str(raised.value))


def test_a_failed_write_leaves_the_old_checkpoint_and_nothing_else(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved.read_bytes()

    def disk_full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(CheckpointError, match="No space left"):
        write_checkpoint(saved, to_checkpoint(small_network(decoder_seed=2), Provenance()))
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_loaded_model_does_not_mind_that_its_file_is_replaced(saved: Path) -> None:
    model = load_model(saved)
    frame = noise_frame(48, 48)
    before = model.predict(frame)
    with saved.open("r+b") as file:  # in place, as a careless copy does
        file.truncate(10)
    np.testing.assert_allclose(model.predict(frame), before, atol=1e-5)


def test_an_encoder_without_a_source_is_never_called_obtainable() -> None:
    assert not Encoder("resnet18", random_resnet18().body.state_dict()).obtainable
