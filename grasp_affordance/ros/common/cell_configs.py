"""The configurations of the nodes' parts, made of the one description of the cell."""

from grasp_affordance.cell_description import CellDescription, CellKind
from grasp_affordance.execution import PickConfig
from grasp_affordance.execution.safety import JointLimits, Workspace
from grasp_affordance.ros.affordance.bin_view import BinConfig
from grasp_affordance.ros.common.frame_source import FrameSourceConfig
from grasp_affordance.ros.common.transforms import CameraPoseConfig
from grasp_affordance.ros.drivers.arm.arm_config import ArmConfig
from grasp_affordance.ros.drivers.arm.contact import ContactConfig
from grasp_affordance.ros.drivers.gazebo.gazebo_gripper import GazeboGripperConfig
from grasp_affordance.ros.drivers.gripper.service_gripper import ServiceGripperConfig
from grasp_affordance.ros.drivers.gripper.vacuum_gripper import VacuumConfig
from grasp_affordance.ros.drivers.gripper.vacuum_sensor import VacuumSensorConfig
from grasp_affordance.ros.drivers.moveit.moveit_config import MoveItConfig
from grasp_affordance.ros.drivers.moveit.obstacles import ObstacleConfig
from grasp_affordance.ros.drivers.ur.cell import UrConfig
from grasp_affordance.ros.drivers.ur.ur_io import UrIoConfig
from grasp_affordance.ros.drivers.ur.ur_payload import UrPayloadConfig


def frame_source_config(cell: CellDescription) -> FrameSourceConfig:
    """Return which frames of the camera are good enough."""
    camera = cell.camera
    return FrameSourceConfig(
        camera=camera.topics,
        max_age=camera.max_age,
        timeout=camera.timeout,
        depth_unit=camera.depth_unit,
        trust_depth_frame=camera.trust_depth_frame,
    )


def camera_pose_config(cell: CellDescription) -> CameraPoseConfig:
    """Return how the camera's pose is found."""
    return CameraPoseConfig(
        base_frame_id=cell.base_frame_id,
        pose=cell.camera.pose,
        calibration=cell.camera.calibration,
        patience=cell.camera.timeout,
    )


def bin_config(cell: CellDescription) -> BinConfig:
    """Return where the bin is."""
    return BinConfig(cell.bin, cell.bins, cell.camera.region, cell.camera.empty)


def pick_config(cell: CellDescription) -> PickConfig:
    """Return how a pick moves."""
    pick, tool = cell.pick, cell.tool
    return PickConfig(
        clearance=pick.clearance,
        overshoot=pick.overshoot,
        cup_length=tool.slim,
        tool_radius=tool.radius,
        tool_length=tool.length,
        place=pick.place,
        lower=pick.lower,
        load_mass=pick.load_mass,
        load_radius=pick.load_radius,
        pattern=pick.places,
    )


def ur_config(cell: CellDescription, mock_hardware: bool = False) -> UrConfig:
    """Return how a physical cell, or one in Gazebo, is driven.

    Args:
        mock_hardware: the driver has no robot.

    Raises:
        ConfigError: the cell has no bin.
    """
    cell.require_bin()
    gripper = cell.gripper
    vacuum = VacuumConfig(sealed=gripper.sealed)
    if gripper.switches:  # the readings of a switch are always equal
        vacuum = VacuumConfig(sealed=gripper.sealed, stuck_readings=0)
    return UrConfig(
        mock_hardware=mock_hardware,
        gripper=gripper.kind,
        bin=cell.bin,
        cup=cell.cup,
        arm=_arm_config(cell),
        moveit=_moveit_config(cell),
        io=UrIoConfig(
            vacuum_pin=gripper.vacuum_pin,
            blow_off_pin=gripper.blow_off_pin,
            sensor=VacuumSensorConfig(
                sensing=gripper.sensing,
                pin=gripper.sensor_pin,
                low=gripper.sensor_signals[0],
                high=gripper.sensor_signals[1],
                low_vacuum=gripper.sensor_vacuums[0],
                high_vacuum=gripper.sensor_vacuums[1],
                inverted=gripper.sensor_inverted,
            ),
        ),
        service_gripper=ServiceGripperConfig(
            switch=gripper.switch,
            switch_name=gripper.switch_name,
            signal=gripper.signal,
            signal_name=gripper.signal_name,
        ),
        vacuum=vacuum,
        payload=UrPayloadConfig(
            mass=cell.tool.mass, centre=cell.tool.centre_of_mass, rim=cell.tool.rim
        ),
    )


def gazebo_gripper_config(cell: CellDescription) -> GazeboGripperConfig:
    """Return the vacuum in Gazebo; its cup hangs on the arm's last link."""
    return GazeboGripperConfig(rim=cell.tool.length)


def _arm_config(cell: CellDescription) -> ArmConfig:
    arm = cell.arm
    contact = ContactConfig(signs=arm.contact_signs, force=arm.contact_force)
    if arm.kind is CellKind.GAZEBO:
        contact = ContactConfig(contact.signs, force=contact.force, force_topic="tool/wrench")
    return ArmConfig(
        home=arm.home,
        speed=arm.speed,
        linear_speed=arm.linear_speed,
        contact_speed=arm.contact_speed,
        contact=contact,
        workspace=Workspace(arm.lowest, arm.highest),
        joints=JointLimits(arm.joints_lowest, arm.joints_highest),
    )


def _moveit_config(cell: CellDescription) -> MoveItConfig:
    default, tool, prefix = MoveItConfig(), cell.tool, cell.tf_prefix
    return MoveItConfig(
        ur_type=cell.arm.model,
        tf_prefix=prefix,
        tip_link=prefix + default.tip_link,
        tool=tool.rim,
        tool_radius=0.0 if tool.link else tool.radius,  # the description has it then
        tool_free=tool.slim,
        mount_link=prefix + default.mount_link,
        tool_link=prefix + tool.link if tool.link else "",
        use_sim_time=cell.arm.kind is CellKind.GAZEBO,
        joint_names=tuple(prefix + name for name in default.joint_names),
        obstacles=ObstacleConfig(
            table=cell.obstacles.table,
            table_from=cell.obstacles.table_from,
            table_to=cell.obstacles.table_to,
            post=cell.obstacles.post,
            post_width=cell.obstacles.post_width,
            post_height=cell.obstacles.post_height,
            camera_size=cell.obstacles.camera_size,
            camera=cell.obstacles.camera,
        ),
    )
