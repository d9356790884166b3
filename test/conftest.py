"""Every test runs in its own ROS domain, logs to a temporary folder and keeps to its core."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

# Read by the libraries as they are imported, hence before any other import. Two pytest workers
# share the machine: more threads in each would only wait for one another.
os.environ.setdefault("MUJOCO_GL", "egl")
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
os.environ.setdefault("LP_NUM_THREADS", "0")
# The environment is a ROS prefix; `source bin/activate` alone does not say so.
if (Path(sys.prefix) / "share" / "ament_index").is_dir():
    os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
# Never talk to robots, or to other people's tests, on the network.
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"

import domain_coordinator
import pytest
from helpers.skips import pytest_make_collect_report, pytest_runtest_makereport  # noqa: F401 - hooks
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def ros_domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Reserve a domain that no other test on this machine uses, in any process."""
    with domain_coordinator.domain_id() as domain:
        monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
        yield domain


@pytest.fixture(autouse=True, scope="session")
def ros_log_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the logs of the tests' nodes with their other temporary files."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ROS_LOG_DIR", str(tmp_path_factory.mktemp("ros_log")))
        yield
