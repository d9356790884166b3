"""What is declared agrees: setup.py, package.xml, the lock files, the interfaces, and the code."""

import ast
import importlib
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from catkin_pkg.package import Package, parse_package
from distutils.core import run_setup
from packaging.requirements import Requirement

import grasp_affordance

ROOT = Path(__file__).parents[1]
PACKAGE = "grasp_affordance"
INTERFACES = ROOT / "interfaces" / "grasp_affordance_interfaces"

# What a Python requirement of setup.py is called in rosdep; None where rosdep has no name for it.
ROSDEP_KEYS = {
    "docstring-parser": None,
    "filelock": "python3-filelock",
    "flask": "python3-flask",
    "imageio-ffmpeg": None,
    "matplotlib": "python3-matplotlib",
    "mujoco": "python3-mujoco-pip",
    "numpy": "python3-numpy",
    "opencv-python-headless": "python3-opencv",
    "pyyaml": "python3-yaml",
    "rich": "python3-rich",
    "rosbags": "python3-rosbags-pip",
    "safetensors": None,
    "scikit-image": "python3-skimage",
    "scipy": "python3-scipy",
    "shapely": "python3-shapely",
    "tensorboard": None,
    "torch": "python3-torch",
    "torchvision": "python3-torchvision",
    "tyro": None,
    "werkzeug": "python3-werkzeug",
}
# What is imported under another name than the one that setup.py or package.xml declares.
DECLARED_AS = {
    "cv2": "opencv-python-headless",
    "docstring_parser": "docstring-parser",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "moveit": "moveit_py",
    "skimage": "scikit-image",
    "tf2_py": "tf2_ros",
    "yaml": "pyyaml",
}


@cache
def distribution() -> Any:
    """The description that setup.py gives of itself."""
    return run_setup(str(ROOT / "setup.py"), stop_after="init")


@cache
def manifest(folder: Path = ROOT) -> Package:
    warnings: list[str] = []
    package = parse_package(str(folder), warnings=warnings)
    package.validate(warnings=warnings)
    assert not warnings
    return package


def declared(package: Package, *kinds: str) -> set[str]:
    return {dependency.name for kind in kinds for dependency in getattr(package, f"{kind}_depends")}


def requirement_names(requirements: list[str]) -> set[str]:
    return {canonical(Requirement(text).name) for text in requirements}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported_modules(folder: str) -> set[str]:
    """Dotted names of everything that the Python files under `folder` import."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(), str(path))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module)
    return found


def imported_libraries(*folders: str) -> set[str]:
    """Libraries that the Python files under the folders need, as they are declared."""
    modules = set().union(*map(imported_modules, folders))
    names = {module.split(".")[0] for module in modules} - set(sys.stdlib_module_names) - {PACKAGE}
    # torch's writer of training curves is a front for tensorboard, which torch does not require.
    names |= {"tensorboard"} & {module.split(".")[-1] for module in modules}
    return {DECLARED_AS.get(name, name) for name in names}


def test_setup_and_manifests_agree_on_what_the_package_is() -> None:
    metadata, package = distribution().metadata, manifest()
    assert metadata.name == package.name == PACKAGE
    assert metadata.version == package.version == grasp_affordance.__version__
    assert metadata.version == manifest(INTERFACES).version
    assert metadata.description == package.description
    assert metadata.license == package.licenses[0] == manifest(INTERFACES).licenses[0]
    assert metadata.maintainer == package.maintainers[0].name
    assert metadata.maintainer_email == package.maintainers[0].email


def test_the_changelog_tells_of_this_version() -> None:
    headings = re.findall(r"^(\S+)(?: \([\d-]+\))?\n-{3,}$", read("CHANGELOG.rst"), re.MULTILINE)
    assert headings[0] in {"Forthcoming", manifest().version}


@pytest.mark.parametrize("folder", ["config", "launch"])
def test_every_shared_file_is_installed(folder: str) -> None:
    installed = {file for _, files in distribution().data_files for file in files}
    present = {
        str(path.relative_to(ROOT))
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert present <= installed
    assert {"package.xml", f"resource/{PACKAGE}"} <= installed


def test_a_built_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    build = ["build", "--build-base", str(tmp_path)]
    info = ["egg_info", "--egg-base", str(tmp_path)]
    wheel = ["bdist_wheel", "--bdist-dir", str(tmp_path / "bdist"), "--dist-dir", str(tmp_path)]
    command = [sys.executable, "setup.py", "--quiet", *info, *build, *wheel]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    held = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    files = {str(path.relative_to(ROOT)) for path in (ROOT / PACKAGE).rglob("*") if path.is_file()}
    assert {file for file in files if "__pycache__" not in file} <= held


@pytest.mark.parametrize("script", distribution().entry_points["console_scripts"])
def test_every_console_script_starts_at_a_function(script: str) -> None:
    module, function = script.split("=")[1].strip().split(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_rosdep_and_pip_are_asked_for_the_same_python_libraries() -> None:
    asked_of_pip = requirement_names(distribution().install_requires)
    assert asked_of_pip <= ROSDEP_KEYS.keys()
    asked_of_rosdep = {name for name in declared(manifest(), "exec") if name.startswith("python3-")}
    assert asked_of_rosdep == {ROSDEP_KEYS[name] for name in asked_of_pip} - {None}


def test_the_guide_names_to_pip_what_apt_does_not_have() -> None:
    line = re.search(r"^ +([^#\n]*)# apt has none", read("CONTRIBUTING.md"), re.MULTILINE)
    assert line is not None
    without = [name for name, key in ROSDEP_KEYS.items() if key is None or key.endswith("-pip")]
    assert line[1].split() == sorted(without)


def test_every_library_that_the_package_imports_is_declared() -> None:
    asked = requirement_names(distribution().install_requires) | declared(manifest(), "exec")
    assert imported_libraries(PACKAGE, "launch") <= asked


def test_no_library_is_asked_of_pip_for_nothing() -> None:
    used = imported_libraries(PACKAGE, "launch", "benchmarks")
    assert requirement_names(distribution().install_requires) <= used


@pytest.mark.parametrize("distro", ["jazzy", "kilted"])
def test_the_lock_pins_every_requirement_within_its_bounds(distro: str) -> None:
    lines = [
        line for line in read(f"requirements/{distro}.lock").splitlines() if line[:1].isalpha()
    ]
    pins = {canonical(name): version for name, version in (line.split("==") for line in lines)}
    extras = distribution().extras_require
    asked = distribution().install_requires + [
        requirement for extra in ("test", "check", distro) for requirement in extras[extra]
    ]
    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(pins[canonical(requirement.name)]), requirement


def test_the_environment_of_ubuntu_24_04_has_its_versions() -> None:
    asked = [line for line in read("requirements/noble.txt").splitlines() if line[:1].isalpha()]
    assert set(asked) <= set(read("requirements/noble.lock").splitlines())
    named = {requirement.split("==")[0] for requirement in asked}
    with_rosdep = {name for name, key in ROSDEP_KEYS.items() if key and not key.endswith("-pip")}
    opencv = {"opencv-python-headless"}
    assert named == with_rosdep - opencv | {"opencv-contrib-python-headless"}


def test_the_interfaces_find_what_they_declare() -> None:
    found = set(re.findall(r"find_package\((\w+)", (INTERFACES / "CMakeLists.txt").read_text()))
    package = manifest(INTERFACES)
    assert found <= declared(package, "build", "buildtool")
    used = {
        name
        for kind in ("msg", "srv", "action")
        for path in (INTERFACES / kind).glob(f"*.{kind}")
        for name in re.findall(r"^(\w+)/\w+", path.read_text(), re.MULTILINE)
    }
    assert used - {INTERFACES.name} <= declared(package, "exec")


def test_the_installed_interfaces_are_those_of_the_source() -> None:
    for kind in ("msg", "srv", "action"):
        module = importlib.import_module(f"{INTERFACES.name}.{kind}")
        for path in (INTERFACES / kind).glob(f"*.{kind}"):
            assert hasattr(module, path.stem)


def read(path: str) -> str:
    return (ROOT / path).read_text()
