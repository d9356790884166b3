"""Names and qualities of service that our nodes and realsense2_camera share."""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

# Relative to the namespace; realsense2_camera with camera_namespace and camera_name left at their
# defaults publishes the first four, with align_depth.enable:=true.
CAMERA = "camera/camera"
COLOR = "color/image_raw"
COLOR_INFO = "color/camera_info"
ALIGNED_DEPTH = "aligned_depth_to_color/image_raw"
ALIGNED_DEPTH_INFO = "aligned_depth_to_color/camera_info"

# Where the recording's or the simulator's calibration goes; a real cell's is on /tf_static.
CAMERA_POSE = "base_camera"

# Best effort accepts reliable and best-effort publishers alike; images are never queued up.
IMAGE_SUBSCRIPTION = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.BEST_EFFORT
)
# What realsense2_camera offers by default: serves both kinds of subscriber.
IMAGE_PUBLISHER = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.RELIABLE
)
LATCHED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
