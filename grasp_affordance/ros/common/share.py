"""Where the package's launch, config and RViz files lie, installed or in a checkout."""

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory

PACKAGE = "grasp_affordance"

# Jazzy reads the first, Kilted the second.
PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")


def share_folder() -> Path:
    """Return the checkout's root if the package runs from one, else the installed share directory.

    Raises:
        FileNotFoundError: neither holds the package's config folder.
    """
    checkout = Path(__file__).parents[3]
    if (checkout / "config" / "fastdds.xml").is_file():
        return checkout
    if not os.environ.get("AMENT_PREFIX_PATH"):
        raise FileNotFoundError("AMENT_PREFIX_PATH is not set; source install/setup.bash")
    return Path(get_package_share_directory(PACKAGE))


def transport_environment() -> dict[str, str]:
    """Return the variables that give Fast DDS a large shared-memory segment for images.

    A profile that the user has chosen already is left alone.
    """
    if any(variable in os.environ for variable in PROFILE_VARIABLES):
        return {}
    profile = str(share_folder() / "config" / "fastdds.xml")
    return dict.fromkeys(PROFILE_VARIABLES, profile)
