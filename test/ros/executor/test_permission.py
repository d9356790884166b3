"""A pause and a deadman switch stop the arm, and nothing moves until they allow it."""

import threading
from typing import Any

import pytest
from helpers.ros_harness import Ros
from std_msgs.msg import Bool
from std_srvs.srv import SetBool

from grasp_affordance.errors import ArmError, ConfigError
from grasp_affordance.execution.activity import Activity
from grasp_affordance.ros.executor.permission import Permission, PermissionConfig


class FakeArm:
    """Is at rest once it was stopped, if it obeys."""

    def __init__(self, obeys: bool = True) -> None:
        self.obeys = obeys
        self.stopped = threading.Event()

    def stop(self) -> None:
        if not self.obeys:
            raise ArmError("no answer")
        self.stopped.set()


class SlowArm(FakeArm):
    """Takes a while to come to rest; counts who waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = self.most_waiting = 0
        self._lock = threading.Lock()

    def stop(self) -> None:
        with self._lock:
            self.waiting += 1
            self.most_waiting = max(self.most_waiting, self.waiting)
        threading.Event().wait(0.4)
        with self._lock:
            self.waiting -= 1
        super().stop()


class Picking:
    """Holds the arm in a thread until it is stopped."""

    def __init__(self, activity: Activity, arm: Any) -> None:
        self.claimed = threading.Event()
        self.reason = ""
        self._activity, self._arm = activity, arm
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Picking":
        self._thread.start()
        assert self.claimed.wait(10.0)
        return self

    def __exit__(self, *_: object) -> None:
        self._arm.stopped.set()
        self._thread.join()

    def _run(self) -> None:
        with self._activity.acquire():
            cancellation = self._activity.begin()
            self.claimed.set()
            self._arm.stopped.wait(20.0)
            assert cancellation is not None
            self.reason = cancellation.reason if cancellation.requested else ""


def gate(ros: Ros, arm: Any, timeout: float = 0.0) -> tuple[Permission, Activity]:
    activity = Activity(arm)
    config = PermissionConfig(deadman_timeout=timeout)
    return Permission(ros.node, config, activity, lambda: "", 0.5), activity


def pause(ros: Ros, on: bool) -> SetBool.Response:
    answer: SetBool.Response = ros.client.call(SetBool, "tester/pause", SetBool.Request(data=on))
    return answer


def test_a_pause_stops_what_is_under_way_and_refuses_what_comes(ros: Ros) -> None:
    arm = FakeArm()
    permission, activity = gate(ros, arm)
    assert permission.blocking_reason() == ""
    with Picking(activity, arm) as picking:
        assert pause(ros, True).success
    assert picking.reason == "paused"
    assert "paused" in permission.blocking_reason()
    assert pause(ros, False).success
    assert permission.blocking_reason() == ""


def test_a_pause_that_the_arm_does_not_obey_says_so(ros: Ros) -> None:
    arm = FakeArm(obeys=False)
    _, activity = gate(ros, arm)
    with Picking(activity, arm):
        answer = pause(ros, True)
    assert not answer.success
    assert "emergency stop" in answer.message


def test_a_deadman_switch_must_be_held(ros: Ros) -> None:
    arm = FakeArm()
    permission, activity = gate(ros, arm, timeout=0.3)
    assert "deadman" in permission.blocking_reason()
    publisher = ros.node.create_publisher(Bool, "tester/deadman", 1)
    ros.wait_until(lambda: publisher.get_subscription_count() > 0, "discovered")

    def held() -> bool:
        publisher.publish(Bool(data=True))
        return not permission.blocking_reason()

    ros.wait_until(held, "held")
    with Picking(activity, arm) as picking:
        assert arm.stopped.wait(10.0), "nobody holds the switch any more"
    assert "deadman" in picking.reason
    assert permission.blocking_reason()


def test_only_one_thread_of_the_node_waits_for_an_arm_that_comes_to_rest_slowly(ros: Ros) -> None:
    arm = SlowArm()
    permission, activity = gate(ros, arm, timeout=0.3)
    with Picking(activity, arm) as picking:  # nobody has ever held the switch
        assert arm.stopped.wait(10.0)
    assert "deadman" in picking.reason
    assert arm.most_waiting == 1, "the others must take the joint states that say it is at rest"
    permission.close()


def test_letting_go_counts_at_once(ros: Ros) -> None:
    permission, _ = gate(ros, FakeArm(), timeout=5.0)
    publisher = ros.node.create_publisher(Bool, "tester/deadman", 1)
    ros.wait_until(lambda: publisher.get_subscription_count() > 0, "discovered")
    publisher.publish(Bool(data=True))
    ros.wait_until(lambda: not permission.blocking_reason(), "held")
    publisher.publish(Bool(data=False))
    ros.wait_until(lambda: bool(permission.blocking_reason()), "let go")


def test_what_else_refuses_is_said_first(ros: Ros) -> None:
    activity: Any = Activity(FakeArm())  # type: ignore[arg-type]
    permission = Permission(ros.node, PermissionConfig(), activity, lambda: "inactive", 0.5)
    assert permission.blocking_reason() == "inactive"


def test_a_timeout_of_minutes_is_no_deadman_switch() -> None:
    with pytest.raises(ConfigError, match="deadman_timeout"):
        PermissionConfig(deadman_timeout=60.0)
