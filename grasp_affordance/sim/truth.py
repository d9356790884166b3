"""What really happened in a pick, which no physical cell can know."""

from dataclasses import dataclass

from grasp_affordance.attempt import Cause, Outcome


@dataclass(frozen=True)
class AttemptTruth:
    """The simulator's ground truth of the pick since the last `gripper.grasp()`.

    Attributes:
        outcome: SUCCESS if exactly one object was carried out and released over the place area.
        cause: NONE, or the true cause.
        object_id: touched or sealed first; -1 for none.
        lifted: ids of all objects that left the bin with the cup.
        dragged: ids of other objects that moved by more than 10 mm.
        lifted_clear: whether an object hung free of everything else above the bin.
        placed: whether it was released over the place area.
        lost: ids of objects that fell beside bin and place area.
    """

    outcome: Outcome
    cause: Cause
    object_id: int = -1
    lifted: tuple[int, ...] = ()
    dragged: tuple[int, ...] = ()
    lifted_clear: bool = False
    placed: bool = False
    lost: tuple[int, ...] = ()
