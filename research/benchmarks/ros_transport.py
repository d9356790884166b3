"""Loss and latency of RGB-D images between two processes, with and without our Fast DDS profile.

    python research/benchmarks/ros_transport.py --json output/benchmarks/ros_transport.json

Both arms run in turn, several times, so that other load on the machine meets both alike.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rclpy
import tyro
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rich.console import Console
from rich.table import Table
from sensor_msgs.msg import Image

from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.rgbd_publisher import RgbdPublisher
from grasp_affordance.ros.common.share import PROFILE_VARIABLES, transport_environment
from grasp_affordance.ros.common.spin import spinning

PROFILES = ("default", "shared memory")
NAMES = {"color": topics.COLOR, "depth": topics.ALIGNED_DEPTH}


@dataclass(frozen=True)
class Arguments:
    """What is sent.

    Attributes:
        frames: per run.
        rate: Hz.
        repeats: of every arm, interleaved.
        width, height: pixels; rgb8 color and 32FC1 depth.
        json: where the numbers go, besides the table.
        role: internal; the two processes are this program again.
        reliable: internal; whether the subscriber asks for reliable delivery.
    """

    frames: int = 120
    rate: float = 30.0
    repeats: int = 3
    width: int = 640
    height: int = 480
    json: Path | None = None
    role: Literal["compare", "publish", "subscribe"] = "compare"
    reliable: bool = False


def publish(arguments: Arguments) -> None:
    """Send frames as soon as somebody listens."""
    node = Node("benchmark_publisher")
    publisher = RgbdPublisher(node)
    rng = np.random.default_rng(0)
    shape = (arguments.height, arguments.width)
    frame = RgbdFrame(
        rng.integers(0, 255, (*shape, 3), dtype=np.uint8),
        rng.random(shape, dtype=np.float32),
        Intrinsics(600, 600, 320, 240, arguments.width, arguments.height),
    )
    with spinning(node):
        for topic in NAMES.values():
            while node.count_subscribers(f"/{topics.CAMERA}/{topic}") == 0:
                time.sleep(0.01)
        time.sleep(1.0)  # both ends of both topics have found each other
        began = time.monotonic()
        for i in range(arguments.frames):
            time.sleep(max(0.0, began + i / arguments.rate - time.monotonic()))
            object.__setattr__(frame, "stamp_ns", time.time_ns())
            publisher.publish(frame)
        time.sleep(1.0)
    node.destroy_node()


def subscribe(arguments: Arguments) -> None:
    """Print how long each image took; ends with the publisher."""
    node = Node("benchmark_subscriber")
    latencies: dict[str, list[float]] = {name: [] for name in NAMES}
    last = threading.Event()

    def receiver(name: str) -> Callable[[Image], None]:
        def receive(message: Image) -> None:
            sent = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
            latencies[name].append((time.time_ns() - sent) * 1e-6)
            last.set()

        return receive

    wanted = ReliabilityPolicy.RELIABLE if arguments.reliable else ReliabilityPolicy.BEST_EFFORT
    quality = QoSProfile(depth=5, reliability=wanted)
    for name, topic in NAMES.items():
        node.create_subscription(Image, f"/{topics.CAMERA}/{topic}", receiver(name), quality)
    with spinning(node):
        last.wait(30.0)
        while last.wait(2.0):
            last.clear()
    node.destroy_node()
    sys.stdout.write(json.dumps(latencies))


def measure(profile: str, reliable: bool, arguments: Arguments) -> dict[str, list[float]]:
    """Run the two processes once; return the latencies of what arrived, milliseconds."""
    environment = {k: v for k, v in os.environ.items() if k not in PROFILE_VARIABLES}
    environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    if profile == "shared memory":
        environment |= transport_environment()
    command = [sys.executable, __file__, "--frames", str(arguments.frames)]
    command += ["--rate", str(arguments.rate), "--width", str(arguments.width)]
    command += ["--height", str(arguments.height), "--reliable" if reliable else "--no-reliable"]
    with subprocess.Popen(
        [*command, "--role", "subscribe"], env=environment, stdout=subprocess.PIPE
    ) as subscriber:
        subprocess.run([*command, "--role", "publish"], env=environment, check=True)
        output, _ = subscriber.communicate(timeout=60)
    return json.loads(output)


def compare(arguments: Arguments) -> list[dict[str, Any]]:
    """Return one row per arm: what arrived of what was sent, and how fast."""
    arms = [(profile, reliable) for reliable in (False, True) for profile in PROFILES]
    runs: dict[tuple[str, bool], list[dict[str, list[float]]]] = {arm: [] for arm in arms}
    for _ in range(arguments.repeats):
        for arm in arms:
            runs[arm].append(measure(*arm, arguments))
    sent = arguments.frames * arguments.repeats
    rows = []
    for (profile, reliable), results in runs.items():
        for name in NAMES:
            took = np.array([value for run in results for value in run[name]])
            rows.append(
                {
                    "profile": profile,
                    "subscriber": "reliable" if reliable else "best effort",
                    "image": name,
                    "sent": sent,
                    "arrived": len(took),
                    "arrived_per_run": [len(run[name]) for run in results],
                    "median_ms": float(np.median(took)) if len(took) else None,
                    "p95_ms": float(np.percentile(took, 95)) if len(took) else None,
                }
            )
    return rows


def main() -> None:
    """Run one role."""
    arguments = tyro.cli(Arguments)
    if arguments.role != "compare":
        rclpy.init()
        (publish if arguments.role == "publish" else subscribe)(arguments)
        rclpy.shutdown()
        return
    rows = compare(arguments)
    table = Table(title=f"{arguments.width}x{arguments.height} at {arguments.rate:.0f} Hz")
    for column in ("profile", "subscriber", "image", "arrived", "median ms", "95 % ms"):
        table.add_column(column)
    for row in rows:
        times = [
            f"{row[key]:.1f}" if row[key] is not None else "-" for key in ("median_ms", "p95_ms")
        ]
        arrived = f"{row['arrived']} / {row['sent']} = {row['arrived'] / row['sent']:.0%}"
        table.add_row(row["profile"], row["subscriber"], row["image"], arrived, *times)
    Console(width=100).print(table)
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
