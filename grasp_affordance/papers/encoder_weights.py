"""Where the encoder's weights come from: ImageNet, a file, or an explicit random start."""

import http.client
import pickle
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from grasp_affordance.errors import CheckpointError
from grasp_affordance.papers.encoder import Backbone

IMAGENET = "imagenet"
RANDOM = "random"

_NETWORK_TIMEOUT = 5.0  # seconds without an answer, then the options are named

# The restricted unpickler of torch.load reports a damaged file by whatever its opcodes stumble over
# (found by flipping bytes), and a text or a foreign pickle by UnpicklingError.
_READ_ERRORS = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    MemoryError,
    struct.error,
    pickle.UnpicklingError,
    safetensors.SafetensorError,
)


def encoder_weights(backbone: Backbone, weights: str, seed: int = 0) -> dict[str, Tensor]:
    """Return the encoder's state dict: torchvision's names, without the classifier, float32.

    Args:
        backbone: which ResNet.
        weights: `imagenet` for torchvision's IMAGENET1K_V1 weights, from its cache or the network;
            `random` for a seeded random start; anything else is the path of a state dict with
            torchvision's names (`.safetensors`, or what `torch.save` writes).
        seed: of the random start.

    Raises:
        CheckpointError: the weights cannot be had, or are of another network.
    """
    if weights == RANDOM:
        return _random(backbone, seed)
    if weights == IMAGENET:
        return _checked(_download(backbone), backbone, "torchvision's ImageNet weights")
    return _checked(_read(Path(weights)), backbone, weights)


def _skeleton(backbone: Backbone) -> nn.Module:
    """Return the network's structure without memory for its weights."""
    with torch.device("meta"):
        return torchvision.models.get_model(backbone, weights=None)


def _download(backbone: Backbone) -> Mapping[str, Tensor]:
    # V1 for every depth: the older ResNets have no other, and it is the recipe closest to the
    # paper's. torchvision looks into torch.hub's cache first.
    weights = torchvision.models.get_model_weights(backbone)["IMAGENET1K_V1"]
    try:
        with _socket_timeout(_NETWORK_TIMEOUT):
            return weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (*_READ_ERRORS, http.client.HTTPException) as error:
        name = Path(weights.url).name
        raise CheckpointError(
            f"no ImageNet weights for {backbone} ({error}). Either connect to "
            f"{weights.url}, or put that file into {torch.hub.get_dir()}/checkpoints/, or set "
            f"weights to the path of {name}, or ask for weights=random"
        ) from error


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Bound every wait of torch.hub's download, which passes no timeout of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"encoder weights '{path}' do not exist; give the path of a state dict, or "
            f"'{IMAGENET}', or '{RANDOM}'"
        ) from error
    except _READ_ERRORS as error:
        raise CheckpointError(
            f"encoder weights '{path}' cannot be read ({error!r}); the file is truncated or is "
            "neither safetensors nor a plain torch state dict"
        ) from error
    if not isinstance(loaded, Mapping) or not all(torch.is_tensor(v) for v in loaded.values()):
        raise CheckpointError(
            f"encoder weights '{path}' hold no plain state dict; save model.state_dict() instead"
        )
    return loaded


def _checked(state: Mapping[str, Tensor], backbone: Backbone, origin: str) -> dict[str, Tensor]:
    """Drop the classifier, make everything float32, and compare with the backbone."""
    result = {}
    for name, expected in _without_classifier(_skeleton(backbone)).items():
        if name.endswith("num_batches_tracked"):  # absent from old files, without any effect
            result[name] = torch.zeros((), dtype=torch.int64)
            continue
        tensor = state.get(name)
        if tensor is None or tensor.shape != expected.shape:
            found = "missing" if tensor is None else f"of shape {tuple(tensor.shape)}"
            raise CheckpointError(
                f"{origin} do not fit {backbone}: '{name}' is {found}, expected "
                f"{tuple(expected.shape)}; choose the backbone that these weights are of"
            )
        result[name] = tensor.to(torch.float32, copy=True).contiguous()
    return result


def _random(backbone: Backbone, seed: int) -> dict[str, Tensor]:
    """Draw Gaussian weights whose feature maps have a spread near one at every depth.

    Convolutions have variance 2 / fan-in (He et al. 2015, equation 10). Batch normalisation cannot
    measure its statistics because it is frozen, so its variance is set to the one that these
    weights give in expectation; torchvision's own start would let a ResNet-50 grow to 40.
    The numbers come from numpy's PCG64, not from torch, whose normal draws depend on the CPU's
    vector instructions: a checkpoint of a random encoder holds only its seed and its digest.
    """
    skeleton = _skeleton(backbone)
    state = {name: _neutral(name, t) for name, t in _without_classifier(skeleton).items()}
    generator = np.random.Generator(np.random.PCG64(seed))
    for name, tensor in state.items():
        if tensor.ndim == 4:
            deviation = np.float32(np.sqrt(2 / tensor[0].numel()))
            drawn = generator.standard_normal(tuple(tensor.shape), dtype=np.float32)
            state[name] = torch.from_numpy(drawn * deviation)
    for name, variance in _expected_variances(skeleton).items():
        state[f"{name}.running_var"].fill_(variance)
    return state


def _without_classifier(module: nn.Module) -> dict[str, Tensor]:
    return {name: t for name, t in module.state_dict().items() if not name.startswith("fc.")}


def _neutral(name: str, tensor: Tensor) -> Tensor:
    """Return zeros for means and biases, ones for scales and variances."""
    if name.endswith("num_batches_tracked"):
        return torch.zeros((), dtype=torch.int64)
    one = name.endswith(("running_var", "weight")) and tensor.ndim == 1
    return (torch.ones if one else torch.zeros)(tensor.shape, dtype=torch.float32)


def _expected_variances(skeleton: nn.Module) -> dict[str, float]:
    """Return the variance that enters each batch normalisation under He's Gaussian weights.

    A convolution of inputs with second moment m gives variance 2 m. After normalisation it is 1,
    after the rectifier 0.5, and max pooling of stride 2 brings it back to about 1. A residual block
    adds 0.5 to the moment of its shortcut.
    """
    variances = {"bn1": 2.0}
    moment = 1.0
    for name, block in skeleton.named_modules():
        if not isinstance(block, BasicBlock | Bottleneck):
            continue
        variances[f"{name}.bn1"] = 2 * moment
        variances[f"{name}.bn2"] = 1.0
        if isinstance(block, Bottleneck):
            variances[f"{name}.bn3"] = 1.0
        if block.downsample is not None:
            variances[f"{name}.downsample.1"] = 2 * moment
            moment = 0.5
        moment += 0.5
    return variances
