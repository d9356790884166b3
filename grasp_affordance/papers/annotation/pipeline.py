"""The paper's annotation as it stands: the named baseline of our quality and speed figures.

Absolute difference of normalised depth, morphology, Gaussian, skeleton, rectangles (automatic
annotation, section 3.2). There are no gates: a person looked through the results. The paper names
no threshold between I* and the binary mask; Otsu's is used. Without a robust noise model the
largest segment is taken for the object.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.change.difference import Mask, paper_difference
from grasp_affordance.annotation.change.refinement import RefinementConfig, refine
from grasp_affordance.annotation.change.region import components
from grasp_affordance.annotation.rectangles import ProposalConfig, Proposals, propose
from grasp_affordance.rectangle import JawConfig
from grasp_affordance.rgbd import RgbdFrame


@dataclass(frozen=True)
class PaperPipelineConfig:
    """Of the paper's pipeline.

    Attributes:
        refinement: of the mask; the paper's sigma is 1.
        proposals: how many rectangles, and where.
        jaw: the parallel gripper.
    """

    refinement: RefinementConfig = field(default_factory=RefinementConfig)
    proposals: ProposalConfig = field(default_factory=ProposalConfig)
    jaw: JawConfig = field(default_factory=JawConfig)


def paper_mask(
    before: NDArray[np.float32], after: NDArray[np.float32], config: RefinementConfig
) -> Mask:
    """Return the mask (H, W) of the removed object from two depth images (H, W) in metres."""
    difference = paper_difference(before, after)
    _, rough = cv2.threshold(difference, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    segments = components(refine(np.asarray(rough > 0), config), 1)
    return segments[0] if segments else np.zeros(before.shape, bool)


def annotate_as_paper(
    before: RgbdFrame, after: RgbdFrame, config: PaperPipelineConfig
) -> tuple[Mask, Proposals]:
    """Return the mask (H, W) and the rectangles of what the paper takes for the removed object."""
    mask = paper_mask(before.depth, after.depth, config.refinement)
    return mask, propose(mask, before.depth, before.intrinsics, config.jaw, config.proposals)
