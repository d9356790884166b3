"""Where CI runs the tests, a skip is a failure unless it is foreseen here.

CI installs all that can be installed there. A test that skips in spite of it guards nothing, and
nobody sees that. Elsewhere (the variable CI is not set) tests skip as they like.
"""

import os
import re
from collections.abc import Generator

import pytest

# Reasons that hold in CI too, each with why.
FORESEEN = (
    # Of an installed ROS; no wheel carries them.
    r"could not import '(control_msgs|launch|launch_ros|tf2_msgs|tf2_ros)\b",
    r"could not import '(moveit|moveit_msgs|moveit_configs_utils)\b",
    r"could not import '(ur_msgs|ur_dashboard_msgs|xacro|ament_index_python)\b",
    r"^(ur_\w+|moveit_\w+) is not installed$",
    r"^neither gz nor ign is installed$",
    # One of the two always holds; Ray is optional and large.
    r"^Ray is (not )?installed$",
    # Optional tools of others, and a function that one version of a library lacks.
    r"^could not import 'pycocotools\b",
    r"^the extra lerobot is not installed",
    r"^the extra watch is (not )?installed",
    r"^OpenCV 5\.0 for Python is without it$",
    # Data that are no part of the repository.
    r"^the recorded scenes are not beside the repository$",
    r"^example-robot-data is not installed$",
)


def refusal(reason: str) -> str:
    """Return why a skip is not accepted; empty where it is."""
    if os.environ.get("CI", "").lower() not in ("1", "true"):
        return ""
    if any(re.search(pattern, reason) for pattern in FORESEEN):
        return ""
    return f"CI is meant to run this test, which was skipped: {reason} (see test/helpers/skips.py)"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a failure of a test that skips without being foreseen."""
    report = yield
    if not hasattr(report, "wasxfail"):
        _evaluate(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Make a failure of a whole file that skips without being foreseen."""
    report = yield
    _evaluate(report)
    return report


def _evaluate(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome != "skipped" or not isinstance(report.longrepr, tuple):
        return
    if problem := refusal(report.longrepr[2].removeprefix("Skipped: ")):
        report.outcome, report.longrepr = "failed", problem
