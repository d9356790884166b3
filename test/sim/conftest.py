"""Cells for the simulator's tests."""

from collections.abc import Iterator

import pytest

from grasp_affordance.sim import Hardness, SimCell, SimConfig


@pytest.fixture(scope="session")
def shared_cell() -> Iterator[SimCell]:
    """One ideal cell for all tests; each lays out its own objects."""
    with SimCell(SimConfig(scene="thin", hardness=Hardness.IDEAL)) as cell:
        yield cell


@pytest.fixture(scope="session")
def realistic_cell() -> Iterator[SimCell]:
    """One realistic cell."""
    with SimCell(SimConfig(scene="thin", hardness=Hardness.REALISTIC)) as cell:
        yield cell
