"""From a suction point to an attempt: plan, check, pick, and evaluate what the cell sensed."""

from grasp_affordance.execution.cancellation import Cancellation
from grasp_affordance.execution.outcome import RemovalCheck
from grasp_affordance.execution.pick import pick
from grasp_affordance.execution.plan import PickConfig, PickPlan, plan_pick
from grasp_affordance.execution.recorder import Progress

__all__ = [
    "Cancellation",
    "PickConfig",
    "PickPlan",
    "Progress",
    "RemovalCheck",
    "pick",
    "plan_pick",
]
