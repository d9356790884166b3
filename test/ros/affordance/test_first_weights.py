"""Which weights a node begins with."""

from pathlib import Path

import pytest

from grasp_affordance.ros.affordance import affordance_config
from grasp_affordance.ros.affordance.affordance_config import AffordanceNodeConfig
from grasp_affordance.ros.trainer import trainer_config
from grasp_affordance.ros.trainer.trainer_config import TrainerNodeConfig
from grasp_affordance.suction import Source

SHIPPED = Path("/shipped.safetensors")


@pytest.fixture(autouse=True)
def shipping(nothing_shipped: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for config in (affordance_config, trainer_config):
        monkeypatch.setattr(config, "shipped_weights", lambda: SHIPPED)


def test_what_is_shipped_serves_unless_something_else_is_asked_for() -> None:
    assert AffordanceNodeConfig().first_weights(Source.LEARNED) == str(SHIPPED)
    assert AffordanceNodeConfig(checkpoint="mine").first_weights(Source.LEARNED) == "mine"
    assert AffordanceNodeConfig(from_scratch=True).first_weights(Source.LEARNED) == ""
    assert AffordanceNodeConfig().first_weights(Source.PRIOR) == ""


def test_a_trainer_begins_with_what_is_shipped_unless_it_should_not() -> None:
    assert TrainerNodeConfig().first_weights == SHIPPED
    assert TrainerNodeConfig(initial="mine").first_weights == Path("mine")
    assert TrainerNodeConfig(from_scratch=True).first_weights is None
