import numpy as np
import pytest
import torch
from helpers.annotation_scenes import frame
from helpers.detection_scenes import block_sample

from grasp_affordance.annotation.metrics import angle_between, rectangle_iou
from grasp_affordance.detection.samples import GraspSample
from grasp_affordance.detection.training.augmentation import AugmentationConfig, random_view
from grasp_affordance.errors import CheckpointError, ConfigError
from grasp_affordance.papers.annotation.detector import PaperDetector
from grasp_affordance.papers.annotation.network import AnnotationPaperConfig, Channels
from grasp_affordance.rectangle import GraspRectangle

SMALL = AnnotationPaperConfig("resnet18", "random", proposals=50, sampled=16)


@pytest.fixture(scope="module")
def detector() -> PaperDetector:
    torch.manual_seed(0)
    made = PaperDetector(SMALL)
    made.load_initial_weights(0)
    return made


def view_of(detector: PaperDetector, known: bool = True) -> GraspSample:
    sample = block_sample(1)
    sample = GraspSample("blocks", sample.frame, sample.rectangles, np.full((240, 320), known))
    still = AugmentationConfig(0.0, 0.0, 1.0, 0.0, 0.0, targeted=0.0)
    return random_view(sample, detector, still, np.random.default_rng(0))


def test_the_papers_numbers_are_the_defaults() -> None:
    config = AnnotationPaperConfig()
    assert config.backbone == "resnet50.tv_in1k"
    assert config.anchors == (8, 16, 24, 28)
    assert config.ratios == (0.5, 1.0, 2.0)
    assert (config.size, config.angles, config.channels) == (227, 19, Channels.RGB)


def test_there_are_twelve_anchors_per_cell_of_the_papers_sizes(detector: PaperDetector) -> None:
    generator = detector.network.proposal_net.anchor_generator
    assert generator.num_anchors_per_location() == [12]
    cell = generator.cell_anchors[0]
    sides = (cell[:, 2:] - cell[:, :2]).numpy()
    areas = np.sqrt(sides.prod(axis=1))
    assert np.allclose(sorted(areas), np.repeat([8, 16, 24, 28], 3), atol=2)


@pytest.mark.parametrize("theta", [0.0, 0.08, 0.7, np.pi / 2, 3.1, np.pi - 1e-9])
def test_an_angle_survives_its_interval_to_half_a_step(
    detector: PaperDetector, theta: float
) -> None:
    """Box and interval of a label, decoded, are the label again but for 180 / 19 / 2 degrees."""
    label = GraspRectangle(100.0, 80.0, theta, 11.0, 23.0)
    view = GraspSample("x", view_of(detector).frame, (label,), np.ones((227, 227), bool))
    target = detector._target(view)
    assert 1 <= int(target["labels"][0]) <= 19
    (decoded,) = detector.decode(target["boxes"], target["labels"], torch.tensor([0.7]))
    rectangle = decoded.rectangle
    assert (rectangle.x, rectangle.y, rectangle.w, rectangle.h) == pytest.approx(
        (100.0, 80.0, 11.0, 23.0), abs=1e-4
    )
    assert angle_between(rectangle.theta, theta) <= np.pi / 19 / 2 + 1e-9
    assert rectangle_iou(rectangle, label) > 0.8
    assert decoded.score == pytest.approx(0.7)


def test_the_total_loss_is_that_of_both_nets_and_moves_all_but_the_normalisation(
    detector: PaperDetector,
) -> None:
    detector.train()
    losses = detector.losses([view_of(detector)])
    assert set(losses) == {"gpn", "gcr"}
    detector.zero_grad()
    torch.stack(list(losses.values())).sum().backward()
    still = [n for n, p in detector.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_nothing_is_learned_where_nothing_is_known(detector: PaperDetector) -> None:
    """Without labels and known places neither net has an example to learn from."""
    detector.train()
    blank = GraspSample("x", view_of(detector).frame, (), np.zeros((227, 227), bool))
    net = detector.network.proposal_net
    anchors = [torch.tensor([[10.0, 10, 20, 20], [100.0, 100, 130, 120]])]
    target = detector._target(blank)
    labels, _ = net.assign_targets_to_anchors(anchors, [target])
    assert labels[0].tolist() == [-1.0, -1.0]
    known = GraspSample("x", blank.frame, (), np.ones((227, 227), bool))
    labels, _ = net.assign_targets_to_anchors(anchors, [detector._target(known)])
    assert labels[0].tolist() == [0.0, 0.0]
    heads = detector.network.configuration_net
    heads._known = [target["known"]]
    _, labels = heads.assign_targets_to_proposals(anchors, [target["boxes"]], [target["labels"]])
    assert labels[0].tolist() == [-1, -1]


def test_a_few_steps_lower_the_loss_of_both_nets() -> None:
    torch.manual_seed(0)
    detector = PaperDetector(SMALL)
    detector.load_initial_weights(0)
    detector.train()
    view = view_of(detector)
    optimiser = torch.optim.Adam([p for p in detector.parameters() if p.requires_grad], 3e-4)
    history = []
    for _ in range(12):
        losses = detector.losses([view])
        optimiser.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        optimiser.step()
        history.append({name: float(loss.detach()) for name, loss in losses.items()})
    for name in ("gpn", "gcr"):
        assert history[-1][name] < 0.8 * history[0][name], history


def test_detections_are_rectangles_with_scores_in_order(detector: PaperDetector) -> None:
    detector.eval()
    found = detector.propose(view_of(detector).frame)
    scores = [grasp.score for grasp in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    bins = {round(grasp.rectangle.theta * 19 / np.pi - 0.5, 6) % 1 for grasp in found}
    assert bins <= {0.0}


def test_the_whole_frame_fits_into_the_view_unstretched(detector: PaperDetector) -> None:
    view = detector.view(frame())
    corners = view.similarity.points([(-0.5, -0.5), (319.5, 239.5)])
    assert np.allclose(corners[:, 0], [-0.5, 226.5])
    assert np.allclose(corners.mean(axis=0), 113)
    region = np.zeros((240, 320), bool)
    region[100:150, 140:200] = True
    assert detector.view(frame(), region).similarity.scale > 3 * view.similarity.scale


def test_depth_can_take_the_place_of_blue() -> None:
    view = view_of(PaperDetector(SMALL))
    rgb = PaperDetector(SMALL)._input([view.frame])
    config = AnnotationPaperConfig("resnet18", "random", Channels.RGD)
    rgd = PaperDetector(config)._input([view.frame])
    assert torch.equal(rgb[:, :2], rgd[:, :2])
    assert torch.isfinite(rgd).all()
    inner = view.frame.known & (view.frame.depth < 0.775)
    floor = view.frame.known & (view.frame.depth > 0.79)
    assert rgd[0, 2][torch.from_numpy(inner)].min() > rgd[0, 2][torch.from_numpy(floor)].mean()


def test_weights_that_cannot_be_had_are_named(tmp_path: object) -> None:
    config = AnnotationPaperConfig("resnet18", f"{tmp_path}/none.pth")
    with pytest.raises(CheckpointError, match="do not exist"):
        PaperDetector(config).load_initial_weights(0)


@pytest.mark.parametrize(
    "wrong", [{"anchors": ()}, {"size": 10}, {"angles": 0}, {"ratios": (0.0,)}]
)
def test_an_impossible_network_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="paper detector"):
        AnnotationPaperConfig(**wrong)  # type: ignore[arg-type]
