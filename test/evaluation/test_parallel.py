"""Jobs run side by side; one that fails does not take the others with it."""

import importlib.util
from pathlib import Path

import pytest
from evaluation.quick_jobs import Write

from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.parallel import Backend, run_all

HAS_RAY = importlib.util.find_spec("ray") is not None


def run_three(folder: Path, backend: Backend) -> dict[str, str]:
    jobs = [Write(folder, "a"), Write(folder, "b", "named"), Write(folder, "c", "bug")]
    jobs.append(Write(folder, "d"))
    ended = [each for each in run_all(jobs, 2, backend) if each is not None]
    assert {path.name for path in folder.iterdir()} == {"a", "d"}
    return {job.name: problem for job, problem in ended}


def test_processes_run_all_jobs_and_say_what_failed(tmp_path: Path) -> None:
    problems = run_three(tmp_path, "local")
    assert problems == {"a": "", "b": "no such cell", "c": "ZeroDivisionError('a bug')", "d": ""}


@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed")
def test_ray_runs_all_jobs_and_says_what_failed(tmp_path: Path) -> None:
    problems = run_three(tmp_path, "ray")
    assert problems == {"a": "", "b": "no such cell", "c": "ZeroDivisionError('a bug')", "d": ""}


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_without_ray_one_line_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="pip install ray"):
        list(run_all([Write(tmp_path, "a")], 1, "ray"))


def test_no_workers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="0 workers"):
        list(run_all([Write(tmp_path, "a")], 0, "local"))
