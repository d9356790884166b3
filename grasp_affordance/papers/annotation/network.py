"""The annotation paper's network: Faster R-CNN with the angle as a class (section 4.1, figure 5).

A grasp proposal net suggests boxes {x, y, w, h} without orientation; a grasp configuration net
turns each into one of 19 intervals of theta, or rejects it, and refines the box. After Chu et al.
2018, "Real-world multi-object, multi-grasp detection", on torchvision's parts.
"""

from dataclasses import dataclass
from enum import StrEnum

from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import MultiScaleRoIAlign

from grasp_affordance.errors import ConfigError
from grasp_affordance.papers.encoder import (
    IMAGENET,
    RESNET50,
    Encoder,
    Normalise,
    feature_network,
    frozen_statistics,
    stages,
)

_POOLED = 7  # cells per side of a pooled proposal
_STRIDE = 16  # pixels per cell of the feature map


class Channels(StrEnum):
    """What the three channels are."""

    RGB = "rgb"  # as the annotation paper says
    RGD = "rgd"  # depth in the place of blue, as Chu et al. have it


@dataclass(frozen=True)
class AnnotationPaperConfig:
    """Of the paper's network.

    Attributes:
        backbone: timm's name of it: ResNet-50 in the paper; smaller ResNets and EfficientNets for
            tests and slow machines.
        encoder_weights: the backbone's start: `imagenet` as in the paper, `random`, or a file; see
            `Encoder`.
        channels: of the input.
        size: side of the square input, pixels.
        anchors: sides, pixels.
        ratios: heights of the anchors over their widths.
        angles: intervals of theta.
        proposals: that reach the configuration net in prediction (Faster R-CNN's 300).
        sampled: proposals per image that it is trained on.
    """

    backbone: str = RESNET50
    encoder_weights: str = IMAGENET
    channels: Channels = Channels.RGB
    size: int = 227
    anchors: tuple[int, ...] = (8, 16, 24, 28)
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    angles: int = 19
    proposals: int = 300
    sampled: int = 128

    def __post_init__(self) -> None:
        if self.size < 2 * _STRIDE or min(self.proposals, self.sampled, self.angles) < 1:
            raise ConfigError("paper detector: size, proposals, sampled or angles is too small")
        if not self.anchors or not self.ratios or min(*self.anchors, *self.ratios) <= 0:
            raise ConfigError("paper detector: anchors and ratios must be positive")


class PaperNetwork(nn.Module):
    """Features of stride 16, proposals, and their configuration by the backbone's last stage.

    Batch normalisation keeps its statistics, as is the rule where a step sees few images.
    """

    def __init__(self, config: AnnotationPaperConfig) -> None:
        super().__init__()
        body = feature_network(config.backbone)
        self.normalise = Normalise(body.pretrained_cfg)
        narrow, wide = body.feature_info.channels()[-2:]
        self.features, last = stages(frozen_statistics(body))
        anchors = AnchorGenerator((config.anchors,), (config.ratios,))
        self.proposal_net = _ProposalNet(
            anchors,
            RPNHead(narrow, len(config.anchors) * len(config.ratios)),
            fg_iou_thresh=0.7,
            bg_iou_thresh=0.3,
            batch_size_per_image=256,
            positive_fraction=0.5,
            pre_nms_top_n={"training": 2000, "testing": 1000},
            post_nms_top_n={"training": 1000, "testing": config.proposals},
            nms_thresh=0.7,
        )
        self.configuration_net = _ConfigurationNet(
            MultiScaleRoIAlign(["0"], _POOLED, sampling_ratio=2),
            nn.Sequential(last, nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            FastRCNNPredictor(wide, config.angles + 1),  # class 0 rejects
            fg_iou_thresh=0.5,
            bg_iou_thresh=0.5,
            batch_size_per_image=config.sampled,
            positive_fraction=0.25,
            bbox_reg_weights=None,
            score_thresh=0.02,
            nms_thresh=0.7,  # the rotated suppression comes later
            detections_per_img=200,
        )

    def load_encoder(self, encoder: Encoder) -> None:
        """Start from an encoder's weights, which are used up."""
        features, last = stages(frozen_statistics(encoder.body))
        self.features.load_state_dict(features.state_dict())
        self.configuration_net.box_head[0].load_state_dict(last.state_dict())

    def forward(
        self, images: Tensor, targets: list[dict[str, Tensor]] | None = None
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """Return detections (evaluation) and losses (training with `targets`).

        Args:
            images: (N, 3, S, S) in [0, 1].
            targets: per image `boxes` (K, 4) as corners, `labels` (K,) from 1, and `known`
                (S, S) bool.
        """
        sizes = [(int(images.shape[-2]), int(images.shape[-1]))] * len(images)
        features = {"0": self.features(self.normalise(images))}
        proposals, proposal_losses = self.proposal_net(ImageList(images, sizes), features, targets)
        found, configuration_losses = self.configuration_net(features, proposals, sizes, targets)
        return found, {**proposal_losses, **configuration_losses}


class _ProposalNet(RegionProposalNetwork):
    """Learns nothing from anchors where nobody has said what is there."""

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        labels, boxes = super().assign_targets_to_anchors(anchors, targets)
        for label, boxes_of_image, target in zip(labels, anchors, targets, strict=True):
            label[(label == 0) & ~_known_at(boxes_of_image, target["known"])] = -1
        return labels, boxes


class _ConfigurationNet(RoIHeads):
    """Learns nothing from proposals where nobody has said what is there."""

    def select_training_samples(
        self, proposals: list[Tensor], targets: list[dict[str, Tensor]] | None
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
        self._known = [target["known"] for target in targets or []]
        return super().select_training_samples(proposals, targets)

    def assign_targets_to_proposals(
        self, proposals: list[Tensor], gt_boxes: list[Tensor], gt_labels: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        matched, labels = super().assign_targets_to_proposals(proposals, gt_boxes, gt_labels)
        for label, boxes, known in zip(labels, proposals, self._known, strict=True):
            label[(label == 0) & ~_known_at(boxes, known)] = -1
        return matched, labels


def _known_at(boxes: Tensor, known: Tensor) -> Tensor:
    """Return (K,) bool: whether the centres of boxes (K, 4) lie in the known area (H, W)."""
    height, width = known.shape
    u = ((boxes[:, 0] + boxes[:, 2]) / 2).round().long().clamp(0, width - 1)
    v = ((boxes[:, 1] + boxes[:, 3]) / 2).round().long().clamp(0, height - 1)
    return known[v, u]
