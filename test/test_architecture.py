"""Who may import whom: the rules of docs/architecture.md, read from the source."""

import ast
import graphlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = "grasp_affordance"
ROOT = Path(__file__).parents[1] / PACKAGE

VALUES = {"errors", "arrays", "lens", "geometry", "bin_geometry"} | {
    "rgbd",
    "suction",
    "attempt",
    "rectangle",
    "cell",
}
DESCRIPTION = {"config_dict", "cell_description"}
CORE = VALUES | DESCRIPTION | {"colors", "folder_lock", "files", "images", "cell_file"}

# What each part (a file or folder of the package) may use of the other parts.
MAY_USE: dict[str, set[str]] = {
    "errors": set(),
    "arrays": set(),
    "folder_lock": {"files", "errors"},
    "files": {"errors"},
    "images": {"errors", "arrays"},
    "console": set(),
    "lens": {"errors", "arrays"},
    "geometry": {"errors", "arrays", "lens"},
    "rgbd": {"errors", "arrays", "geometry"},
    "suction": {"errors", "arrays", "geometry", "rgbd"},
    "bin_geometry": {"errors", "arrays", "geometry"},
    "attempt": {"errors", "arrays", "geometry", "bin_geometry", "rgbd", "suction"},
    "rectangle": {"errors", "arrays", "geometry"},
    "cell": VALUES - {"cell", "rectangle"},
    "colors": {"attempt"},
    "config_dict": {"errors"},
    "cell_description": VALUES | {"config_dict"},
    "cell_file": {"errors", "files", "cell_description"},
    "sequence": CORE,
    "messages": CORE,
    "affordance": CORE,
    "annotation": CORE | {"sequence"},
    "viewer": CORE | {"annotation"},
    "encoders": CORE | {"affordance"},
    "detection": CORE | {"sequence", "affordance", "annotation", "encoders"},
    "calibration": CORE,
    "execution": CORE | {"annotation"},
    "sim": CORE,
    "policies": CORE | {"affordance"},
    "learning": CORE | {"sequence", "affordance", "annotation", "policies", "viewer"},
    "suction_paper": CORE | {"sequence", "affordance", "policies", "learning", "encoders"},
    "models": CORE | {"affordance", "suction_paper"},
}
# Folders that are a part of their own, or belong to another one.
INNER = {
    "papers.encoder": "encoders",
    "papers.suction": "suction_paper",
    "papers.annotation": "detection",
}
# These sit on top and use everything but the nodes, as the nodes use everything but these.
TOP = {"cli", "commands", "evaluation"}

SMALL = VALUES | DESCRIPTION
WITHOUT_TORCH = CORE | {
    "console",
    "sequence",
    "messages",
    "annotation",
    "calibration",
    "execution",
    "sim",
    "viewer",
}

ROS = {"ament_index_python", "launch", "launch_ros", "message_filters", "moveit"} | {
    "builtin_interfaces",
    "grasp_affordance_interfaces",
    "rclpy",
    "rosidl_runtime_py",
    "std_srvs",
    "tf2_py",
    "tf2_ros",
}


@dataclass(frozen=True)
class Import:
    """One import statement of the package: `module` imports `target` at `line`."""

    module: str
    target: str
    line: int

    @property
    def part(self) -> str:
        """The file or folder of the package that the importing module belongs to."""
        return part_of(self.module)

    def __str__(self) -> str:
        """Where it stands and what it says, for the message of a failure."""
        return f"{self.module}, line {self.line}: imports {self.target}"


def part_of(module: str) -> str:
    _, first, second, *_ = [*module.split("."), "", ""]
    return INNER.get(f"{first}.{second}", first)


def top_level(module: str) -> str:
    return module.split(".")[0]


def is_ros(module: str) -> bool:
    name = top_level(module)
    return name in ROS or name.endswith("_msgs")


def module_name(path: Path) -> str:
    parts = [PACKAGE, *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def imports_of(module: str) -> Iterator[Import]:
    """Every import of a module, also those inside functions: being lazy excuses nothing."""
    path = MODULES[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                # `from package import module` names a module, `from module import name` does not.
                inner = f"{source}.{alias.name}"
                yield Import(module, inner if inner in MODULES else source, node.lineno)


IMPORTS = [found for module in MODULES for found in imports_of(module)]
OWN = [found for found in IMPORTS if top_level(found.target) == PACKAGE]
FOREIGN = [found for found in IMPORTS if top_level(found.target) != PACKAGE]


def listed(offenders: list[Import]) -> str:
    return "\n".join(["", *sorted(set(map(str, offenders)))])


def test_every_part_of_the_package_has_a_rule() -> None:
    parts = {part_of(module) for module in MODULES} - {""}
    assert parts <= MAY_USE.keys() | TOP | {"ros", "papers"}


@pytest.mark.parametrize("part", sorted(MAY_USE))
def test_a_part_uses_only_the_parts_below_it(part: str) -> None:
    allowed = MAY_USE[part] | {part, ""}
    offenders = [o for o in OWN if o.part == part and part_of(o.target) not in allowed]
    assert not offenders, listed(offenders)


def test_nothing_imports_the_nodes() -> None:
    offenders = [o for o in OWN if part_of(o.target) == "ros" and o.part != "ros"]
    assert not offenders, listed(offenders)


def test_only_the_nodes_import_ros_and_messages() -> None:
    offenders = [o for o in FOREIGN if is_ros(o.target) and o.part != "ros"]
    assert not offenders, listed(offenders)


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {module: {o.target for o in OWN if o.module == module} - {module} for module in MODULES}
    assert list(graphlib.TopologicalSorter(graph).static_order())


def test_the_core_types_need_numpy_and_scipy_alone() -> None:
    allowed = sys.stdlib_module_names | {"numpy", "scipy"}
    offenders = [o for o in FOREIGN if o.part in SMALL and top_level(o.target) not in allowed]
    assert not offenders, listed(offenders)


def test_execution_and_simulation_do_without_torch() -> None:
    torch = {"torch", "torchvision"}
    offenders = [o for o in FOREIGN if o.part in WITHOUT_TORCH and top_level(o.target) in torch]
    assert not offenders, listed(offenders)


def test_only_the_simulation_imports_the_physics_engine() -> None:
    physics = {"mujoco", "mink"}
    offenders = [o for o in FOREIGN if top_level(o.target) in physics and o.part != "sim"]
    assert not offenders, listed(offenders)


def test_the_nodes_do_not_use_the_command_line() -> None:
    offenders = [o for o in OWN if o.part == "ros" and part_of(o.target) in {"cli", "commands"}]
    assert not offenders, listed(offenders)


def test_the_rules_themselves_have_no_cycle() -> None:
    assert list(graphlib.TopologicalSorter(MAY_USE).static_order())
