"""The predictor's settings in a cell."""

from grasp_affordance.affordance.candidates import CandidateConfig
from grasp_affordance.affordance.predictor import PredictorConfig
from grasp_affordance.cell_description import CellDescription


def predictor_config(cell: CellDescription) -> PredictorConfig:
    """Return how suction points are found in a cell: its cup, and what may be offered."""
    offer, arm, default = cell.offer, cell.arm, CandidateConfig()
    candidates = CandidateConfig(
        min_probability=offer.min_probability,
        max_tilt=offer.max_tilt,
        edge_radii=offer.edge_radii,
        hole_radii=offer.hole_radii,
        workspace_min=arm.lowest if cell.limited else default.workspace_min,
        workspace_max=arm.highest if cell.limited else default.workspace_max,
    )
    return PredictorConfig(source=offer.source, cup=cell.cup, candidates=candidates)
