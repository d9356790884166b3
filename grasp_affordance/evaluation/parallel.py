"""Jobs in parallel: in processes of this machine, or on Ray.

Jobs leave what they make on disk and are told apart by name. On several machines, Ray needs their
folders on a drive that all of them share.
"""

import importlib
import logging
import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection
from typing import Any, Literal, Protocol

from grasp_affordance.console import log_to_stderr
from grasp_affordance.errors import ConfigError, GraspAffordanceError

Backend = Literal["local", "ray"]

POLL_SECONDS = 1.0  # between two looks at what the jobs have done

# Jobs share the cores; one that takes all of them for small matrices slows down the others.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LP_NUM_THREADS": "0"}

logger = logging.getLogger(__name__)


class Job(Protocol):
    """Work for one process; must be picklable."""

    @property
    def name(self) -> str:
        """Return what it is called in messages."""

    def run(self) -> None:
        """Do it, or what is left of it."""


Ended = tuple[Job, str]
"""A job and what went wrong; an empty text where nothing did."""


def run_all(jobs: Sequence[Job], workers: int, backend: Backend) -> Iterator[Ended | None]:
    """Run jobs in their order, several at a time; yield each as it ends, and None now and then.

    A job that fails does not stop the others.

    Raises:
        ConfigError: no workers, or Ray is not installed.
        GraspAffordanceError: a process died.
    """
    if workers < 1:
        raise ConfigError(f"{workers} workers cannot do anything")
    with _environment(_ONE_THREAD):
        yield from (_in_processes if backend == "local" else _on_ray)(jobs, workers)


def run_safely(job: Job) -> str:
    """Run one job; return what went wrong, empty where nothing did."""
    try:
        job.run()
    except GraspAffordanceError as error:
        return str(error)
    except Exception as error:
        logger.exception("%s failed", job.name)
        return repr(error)
    return ""


def _in_processes(jobs: Sequence[Job], workers: int) -> Iterator[Ended | None]:
    context = multiprocessing.get_context("spawn")  # a renderer does not survive a fork
    count = max(1, min(workers, len(jobs)))
    with ProcessPoolExecutor(count, mp_context=context, initializer=_begin) as pool:
        waiting = {pool.submit(run_safely, job): job for job in jobs}
        try:
            while waiting:
                done, _ = wait(waiting, POLL_SECONDS, FIRST_COMPLETED)
                for future in done:
                    yield waiting.pop(future), future.result()
                yield None
        except BrokenProcessPool as error:
            raise GraspAffordanceError(
                "a worker process died, perhaps for want of memory; go on with fewer --workers and "
                "--resume: what was done is kept"
            ) from error
        finally:
            for future in waiting:
                future.cancel()


def _begin() -> None:
    """Prepare a worker process: it must not outlive a parent that was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)  # runs are safe against a kill at any time

    threading.Thread(target=follow, daemon=True).start()
    log_to_stderr()


def _on_ray(jobs: Sequence[Job], workers: int) -> Iterator[Ended | None]:
    ray = _import_ray()
    cluster = os.environ.get("RAY_ADDRESS")
    variables = dict(_ONE_THREAD)
    where: dict[str, Any] = {"address": cluster}
    if not cluster:
        where = {"num_cpus": workers, "include_dashboard": False}
        variables["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    ray.init(runtime_env={"env_vars": variables}, **where)
    try:
        remote = ray.remote(num_cpus=1, max_retries=0)(run_safely)
        left = list(jobs)
        waiting: dict[Any, Job] = {}
        while left or waiting:
            while left and len(waiting) < workers:
                job = left.pop(0)
                waiting[remote.remote(job)] = job
            done, _ = ray.wait(list(waiting), timeout=POLL_SECONDS)
            for reference in done:
                yield waiting.pop(reference), _result(ray, reference)
            yield None
    finally:
        ray.shutdown()


def _result(ray: Any, reference: Any) -> str:
    try:
        return str(ray.get(reference))
    except ray.exceptions.RayError as error:
        return f"Ray lost the job ({error!r}); go on with --resume"


def _import_ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise ConfigError(
            "Ray is not installed: `pip install ray` (the extra `ray` of this package), or use "
            "--backend local"
        ) from error


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables for child processes, where the user has not, and take them back."""
    added = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
