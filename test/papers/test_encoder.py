"""Laws of the frozen encoder and of where its weights come from."""

import socket
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import torchvision
from helpers.networks import random_resnet18

from grasp_affordance.errors import CheckpointError
from grasp_affordance.papers.encoder import Backbone, Encoder, state_digest
from grasp_affordance.papers.encoder_weights import encoder_weights


@pytest.fixture(scope="module")
def resnet18_state() -> dict[str, torch.Tensor]:
    """The state dict of a whole torchvision ResNet-18, classifier included."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return torchvision.models.resnet18(weights=None).state_dict()


@pytest.fixture
def unreachable_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Send every download to a closed port, and start with an empty cache of torch.hub."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    return cache


def test_the_encoder_computes_what_torchvisions_resnet_computes(
    resnet18_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "resnet18.pth"
    torch.save(resnet18_state, path)
    encoder = Encoder(Backbone.RESNET18, encoder_weights(Backbone.RESNET18, str(path)))
    reference = torchvision.models.resnet18(weights=None).eval()
    reference.load_state_dict(resnet18_state)
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        pooled = torch.flatten(reference.avgpool(encoder(images)[-1]), 1)
        torch.testing.assert_close(reference.fc(pooled), reference(images))


def test_feature_maps_have_strides_4_8_16_32() -> None:
    maps = random_resnet18()(torch.zeros(1, 3, 64, 96))
    assert [tuple(m.shape) for m in maps] == [
        (1, 64, 16, 24),
        (1, 128, 8, 12),
        (1, 256, 4, 6),
        (1, 512, 2, 3),
    ]


def test_training_mode_leaves_parameters_and_batch_norm_statistics_alone() -> None:
    encoder = random_resnet18()
    before = state_digest(encoder.state_dict())
    encoder.train()
    torch.nn.ModuleList([encoder]).train()
    images = torch.randn(2, 3, 64, 64, requires_grad=True)
    assert not any(maps.requires_grad for maps in encoder(images))
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    assert state_digest(encoder.state_dict()) == before


def test_a_random_start_is_reproduced_by_its_seed_on_every_machine() -> None:
    # Fixes numpy's stream: a change would make checkpoints of random encoders unloadable.
    digest = state_digest(encoder_weights(Backbone.RESNET18, "random", seed=0))
    assert digest.startswith("431d4a4f")
    assert state_digest(encoder_weights(Backbone.RESNET18, "random", seed=1)) != digest


@pytest.mark.parametrize("backbone", list(Backbone))
def test_the_features_of_a_random_start_keep_a_spread_near_one_at_every_scale(
    backbone: Backbone,
) -> None:
    encoder = Encoder(backbone, encoder_weights(backbone, "random"))
    images = torch.randn(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    assert all(0.3 < maps.std().item() < 3 for maps in encoder(images))


def test_without_network_imagenet_weights_are_refused_and_the_ways_out_are_named(
    unreachable_network: Path,
) -> None:
    with pytest.raises(CheckpointError, match=r"resnet18-\w+\.pth.*weights=random"):
        encoder_weights(Backbone.RESNET18, "imagenet")
    assert socket.getdefaulttimeout() is None
    assert not list(unreachable_network.iterdir())


def test_imagenet_weights_come_from_torchs_cache_without_network(
    unreachable_network: Path, resnet18_state: dict[str, torch.Tensor]
) -> None:
    url = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.url
    torch.save(resnet18_state, unreachable_network / Path(url).name)
    loaded = encoder_weights(Backbone.RESNET18, "imagenet")
    torch.testing.assert_close(loaded["conv1.weight"], resnet18_state["conv1.weight"])


def test_safetensors_and_torch_files_give_the_same_encoder(
    resnet18_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save(resnet18_state, tmp_path / "a.pth")
    safetensors.torch.save_file(resnet18_state, tmp_path / "a.safetensors")
    digests = {
        state_digest(encoder_weights(Backbone.RESNET18, str(tmp_path / name)))
        for name in ("a.pth", "a.safetensors")
    }
    assert len(digests) == 1


def test_old_files_without_batch_counters_load(
    resnet18_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    old = {n: t for n, t in resnet18_state.items() if not n.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "old.pth")
    Encoder(Backbone.RESNET18, encoder_weights(Backbone.RESNET18, str(tmp_path / "old.pth")))


def test_weights_of_another_backbone_are_refused(
    resnet18_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save(resnet18_state, tmp_path / "resnet18.pth")
    with pytest.raises(CheckpointError, match="do not fit resnet50"):
        encoder_weights(Backbone.RESNET50, str(tmp_path / "resnet18.pth"))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.9])
def test_a_truncated_file_is_refused(
    resnet18_state: dict[str, torch.Tensor], tmp_path: Path, suffix: str, share: float
) -> None:
    path = tmp_path / f"weights{suffix}"
    small = {"conv1.weight": resnet18_state["conv1.weight"]}
    if suffix == ".pth":
        torch.save(small, path)
    else:
        safetensors.torch.save_file(small, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CheckpointError, match="cannot be read"):
        encoder_weights(Backbone.RESNET18, str(path))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_with_wrong_bytes_never_raises_anything_but_the_named_error(
    suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"weights{suffix}"
    state = {"conv1.weight": torch.zeros(2, 2)}
    if suffix == ".pth":
        torch.save(state, path)
    else:
        safetensors.torch.save_file(state, path)
    data, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(40):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError):  # undamaged, it would not fit a ResNet either
            encoder_weights(Backbone.RESNET18, str(path))


def test_a_pickled_object_a_missing_file_and_a_text_are_refused(tmp_path: Path) -> None:
    torch.save(torchvision.models.resnet18(weights=None), tmp_path / "module.pth")
    (tmp_path / "text.pth").write_text("not weights")
    torch.save([1, 2], tmp_path / "list.pth")
    for name in ("module.pth", "text.pth", "list.pth", "missing.pth"):
        with pytest.raises(CheckpointError, match=name):
            encoder_weights(Backbone.RESNET18, str(tmp_path / name))
