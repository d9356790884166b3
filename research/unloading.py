"""Views of piles that are taken apart one by one, each with what the predictor makes of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.predictor import AffordancePredictor, Prediction
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sim import Hardness, SimCell, SimConfig


@dataclass(frozen=True, eq=False)
class PileView:
    """One view between two removals.

    Attributes:
        scene, seed: of the pile.
        cell: as it is now; the next view changes it.
        frame: of its camera.
        prediction: by the prior.
    """

    scene: str
    seed: int
    cell: SimCell
    frame: RgbdFrame
    prediction: Prediction


def unload(scene: str, seeds: Iterable[int], hardness: Hardness) -> Iterator[PileView]:
    """Look at a pile per seed, remove the highest object on which nothing lies, and so on.

    Yields a view with all objects first, and none of an empty bin.
    """
    predictor = AffordancePredictor()
    for seed in seeds:
        with SimCell(SimConfig(scene=scene, hardness=hardness, seed=seed)) as cell:
            while not cell.is_empty():
                frame, T = cell.camera.read(), cell.camera.pose()
                prediction = predictor.predict(frame, BinView(T_base_camera=T, bin=cell.bin))
                yield PileView(scene, seed, cell, frame, prediction)
                cell.world.park(cell.oracle.uppermost())
                cell.resettle()
