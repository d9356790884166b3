"""Laws of the two-stream network with its U-Net decoder."""

import pytest
import torch
from helpers.networks import random_resnet18, small_config, small_network
from torch.nn import functional

from grasp_affordance.errors import ConfigError, FrameError
from grasp_affordance.papers.suction.inputs import Streams
from grasp_affordance.papers.suction.network import AffordanceNetwork, NetworkConfig


def streams_of(count: int = 1, distinct: int = 2, side: int = 64) -> torch.Tensor:
    """Noise of the shape the network takes."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(count, distinct, 3, side, side, generator=generator)


def test_a_patch_of_224_gives_two_channels_of_56_by_56_with_resnet50() -> None:
    network = AffordanceNetwork(NetworkConfig(weights="random"))
    with torch.inference_mode():
        output = network.probabilities(streams_of(side=224))
    assert output.shape == (1, 2, 56, 56)
    torch.testing.assert_close(output.sum(dim=1), torch.ones(1, 56, 56))


def test_the_two_channels_are_probabilities_that_sum_to_one() -> None:
    output = small_network().probabilities(streams_of(2))
    assert output.shape == (2, 2, 16, 16)
    assert 0 <= output.min() <= output.max() <= 1
    torch.testing.assert_close(output.sum(dim=1), torch.ones(2, 16, 16))


def test_at_the_start_every_pixel_is_undecided_but_they_differ() -> None:
    success = small_network().probabilities(streams_of())[:, 0]
    assert 0.3 < success.min() < success.max() < 0.7
    assert success.std() > 1e-4


def test_both_streams_pass_the_same_weights() -> None:
    network = small_network()
    color, depth = streams_of().unbind(1)
    straight = network.features(torch.stack([color, depth], dim=1))
    swapped = network.features(torch.stack([depth, color], dim=1))
    for one, other in zip(straight, swapped, strict=True):
        first, second = one.chunk(2, dim=1)
        torch.testing.assert_close(torch.cat([second, first], dim=1), other)
    resnets = [name for name, _ in network.named_modules() if name.endswith("layer4")]
    assert resnets == ["encoder.body.layer4"]


def test_one_distinct_stream_gives_what_two_equal_streams_give() -> None:
    image = streams_of(distinct=1)
    once = small_network(Streams.RGB_RGB)(image)
    twice = small_network(Streams.RGBD)(image.repeat(1, 2, 1, 1, 1))
    torch.testing.assert_close(once, twice)


@pytest.mark.parametrize("streams", [Streams.RGB_RGB, Streams.DEPTH])
def test_every_choice_of_streams_has_the_same_number_of_parameters(streams: Streams) -> None:
    def count(network: AffordanceNetwork) -> int:
        return sum(parameter.numel() for parameter in network.parameters())

    assert count(small_network(streams)) == count(small_network(Streams.RGBD))


def test_a_training_step_reaches_every_weight_of_the_decoder_and_nothing_else() -> None:
    network = small_network().train()
    encoder = {name: t.clone() for name, t in network.encoder.state_dict().items()}
    decoder = {name: t.clone() for name, t in network.decoder.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    functional.cross_entropy(network(streams_of(2))[:, :, 3, 5], torch.tensor([0, 1])).backward()
    assert all(parameter.grad is None for parameter in network.encoder.parameters())
    optimizer.step()
    for name, tensor in network.encoder.state_dict().items():
        torch.testing.assert_close(tensor, encoder[name], rtol=0, atol=0)
    for name, tensor in network.decoder.state_dict().items():
        assert not torch.equal(tensor, decoder[name]), name


def test_training_on_one_pixel_raises_its_probability() -> None:
    network = small_network().train()
    images, label = streams_of(), torch.tensor([0])
    optimizer = torch.optim.SGD(network.decoder.parameters(), lr=0.05)
    before = network.probabilities(images)[0, 0, 3, 5].item()
    for _ in range(5):
        optimizer.zero_grad()
        functional.cross_entropy(network(images)[:, :, 3, 5], label).backward()
        optimizer.step()
    assert network.probabilities(images)[0, 0, 3, 5].item() > max(before + 0.05, 0.6)


def test_kept_features_give_the_same_output_as_the_images() -> None:
    network = small_network()
    images = streams_of()
    torch.testing.assert_close(network.decoder(network.features(images)), network(images))


def test_the_gaussian_start_is_reproduced_by_its_seed_and_leaves_the_global_one_alone() -> None:
    state = torch.random.get_rng_state()
    first, again, other = (small_network(decoder_seed=seed).decoder for seed in (5, 5, 6))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first.head.weight, again.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)


def test_the_gaussian_start_has_the_variance_that_keeps_the_signal() -> None:
    decoder = AffordanceNetwork(NetworkConfig("resnet18", "random"), random_resnet18()).decoder
    weight = decoder.state_dict()["mix.0.0.weight"]
    assert weight.std().item() == pytest.approx((2 / weight[0].numel()) ** 0.5, rel=0.02)
    kurtosis = (weight**4).mean() / (weight**2).mean() ** 2
    assert kurtosis.item() == pytest.approx(3, abs=0.1)  # of a normal distribution


def test_a_snapshot_does_not_follow_the_training() -> None:
    network = small_network()
    snapshot = network.snapshot()
    images = streams_of()
    before = snapshot(images)
    with torch.no_grad():
        network.decoder.head.weight += 1
    assert torch.equal(snapshot(images), before)
    assert not torch.equal(network(images), before)
    assert snapshot.encoder is network.encoder


@pytest.mark.parametrize(
    "shape",
    [(1, 1, 3, 64, 64), (1, 2, 1, 64, 64), (1, 2, 3, 60, 64), (2, 3, 64, 64), (0, 2, 3, 64, 64)],
)
def test_images_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(FrameError, match=r"multiples of 32"):
        small_network()(torch.zeros(shape))


@pytest.mark.parametrize(
    "values",
    [
        {"backbone": ""},
        {"decoder_channels": (8, 8, 8)},
        {"weights": ""},
        {"encoder_seed": -1},
    ],
)
def test_values_outside_their_range_are_refused(values: dict) -> None:
    with pytest.raises(ConfigError):
        NetworkConfig(**values)


def test_random_weights_are_never_the_default() -> None:
    assert NetworkConfig().weights == "imagenet"
    assert small_config().weights == "random"
