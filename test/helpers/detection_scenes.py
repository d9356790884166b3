"""Labelled scenes of blocks, with every grasp known; detectors with random weights."""

from pathlib import Path

import numpy as np
import torch
from helpers.annotation_scenes import INTRINSICS, Block, frame

from grasp_affordance.annotation.rectangles import ProposalConfig, propose
from grasp_affordance.detection.dense.network import DenseConfig
from grasp_affordance.detection.model import TrainedDetector, new_detector, write_detector
from grasp_affordance.detection.samples import GraspSample
from grasp_affordance.rectangle import JawConfig

JAW = JawConfig()


def write_random_detector(path: Path, jaw: JawConfig = JAW, seed: int = 0) -> str:
    """Write a detector that finds something everywhere; return its path."""
    torch.manual_seed(seed)
    module = new_detector(DenseConfig(widths=(4, 8, 8, 8)), jaw, seed).eval()
    write_detector(path, TrainedDetector(module, jaw, threshold=0.0))
    return str(path)


def block_sample(seed: int, blocks: int = 3) -> GraspSample:
    """Return a noisy view of a few blocks that lie apart, with the grasps of each."""
    rng = np.random.default_rng(seed)
    placed: list[Block] = []
    taken = np.zeros((240, 320), bool)
    while len(placed) < blocks:
        block = Block(
            u=rng.uniform(50, 270),
            v=rng.uniform(50, 190),
            length=rng.uniform(50, 90),
            width=rng.uniform(14, 26),
            angle=rng.uniform(0, np.pi),
            height=rng.uniform(0.02, 0.05),
            color=(int(rng.integers(256)), int(rng.integers(256)), int(rng.integers(256))),
        )
        if not (block.mask() & taken).any():
            taken |= block.mask()
            placed.append(block)
    view = frame(*placed, rng=rng, holes=0.02, seed_color=seed)
    grasps = [
        rectangle
        for block in placed
        for rectangle in propose(
            block.mask(), view.depth, INTRINSICS, JAW, ProposalConfig()
        ).fitting
    ]
    return GraspSample(f"blocks {seed}", view, tuple(grasps), np.ones((240, 320), bool))
