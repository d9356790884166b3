"""What learned weights leave in the bin, by what it is made of.

Piles of the training scene are cleared by the protocol of `grasp-affordance evaluate` (the same
piles for the same seeds); then the simulator is asked what still lies there.

    python research/benchmarks/left_behind.py output/left.json --weights run/model.safetensors
    --seeds 0:1
"""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import tyro

from grasp_affordance.affordance.candidates import ABSTAIN_BELOW
from grasp_affordance.evaluation.provenance import provenance
from grasp_affordance.evaluation.runner import RunConfig, parse_seeds
from grasp_affordance.evaluation.sim_pile import cell_with_pile, clear_in
from grasp_affordance.files import write_atomically
from grasp_affordance.sim import Hardness, SimCell

Kinds = Counter[str]


def main(
    output: Annotated[Path, tyro.conf.Positional],
    weights: Path | None = None,
    seeds: str = "0:1",
    piles: int = 4,
    cell: Hardness = Hardness.ADVERSE,
    min_probability: float = ABSTAIN_BELOW,
) -> None:
    """Clear piles and print a table.

    Args:
        output: raw results, JSON.
        weights: checkpoint; the shipped one by default.
        seeds: A:B, each a cell.
        piles: per seed.
        cell: hardness of the simulated cell.
        min_probability: below which the policy hands a bin back.
    """
    config = RunConfig("learned", "train", str(cell), weights, min_probability)
    cleared = []
    there, left = Kinds(), Kinds()
    for seed in parse_seeds(seeds):
        for index in range(piles):
            before, after = clear(config, seed, index)
            cleared.append({"seed": seed, "pile": index, "there": before, "left": after})
            there, left = there + before, left + after
    for kind, count in sorted(there.items()):
        print(f"{kind:10s} {left[kind]:4d} of {count:4d} left")
    content = {
        "weights": str(weights or "shipped"),
        "cell": str(cell),
        "min_probability": min_probability,
        "provenance": provenance(),
        "piles": cleared,
    }
    write_atomically(output, json.dumps(content, allow_nan=False).encode())


def clear(config: RunConfig, seed: int, index: int) -> tuple[Kinds, Kinds]:
    """Clear one pile; return how many objects of each material were there and are left."""
    with cell_with_pile(config, seed, index) as opened:
        there = kinds(opened)
        clear_in(opened, config, seed, index)
        return there, kinds(opened)


def kinds(cell: SimCell) -> Kinds:
    """Count the objects in the bin by material."""
    return Counter(str(state.spec.material) for state in cell.oracle.objects())


if __name__ == "__main__":
    tyro.cli(main)
