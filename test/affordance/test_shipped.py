"""The weights that come with the package."""

from pathlib import Path

import pytest

from grasp_affordance.affordance import shipped
from grasp_affordance.affordance.model import load_model
from grasp_affordance.errors import CheckpointError


def test_what_is_shipped_loads() -> None:
    path = shipped.shipped_weights()
    if path is None:
        pytest.skip("this checkout ships no weights")
    assert load_model(path).version
    assert path.stat().st_size < 5e6


def test_without_shipped_weights_the_way_out_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "_SHIPPED", tmp_path / "default.safetensors")
    assert shipped.shipped_weights() is None
    with pytest.raises(CheckpointError, match="grasp-affordance train"):
        shipped.require_shipped_weights()
