"""`grasp-affordance COMMAND ...`: finds the command's file, imports only that one, and runs it.

To add a command, write `grasp_affordance/commands/<name>.py` with a function `run(...)` whose typed
arguments and docstring become the flags and the help (tyro), and add a line to `COMMANDS`. `run`
returns None or an exit status. The package's own errors, and those of disks and files, become one
line on stderr and status 1.
"""

import errno
import importlib
import os
import sys
from collections.abc import Mapping, Sequence

from grasp_affordance.console import log_to_stderr
from grasp_affordance.errors import GraspAffordanceError

COMMANDS = {
    "annotate": "labels from a sequence of removals: masks, grasp rectangles, reasons",
    "attempts": "what a robot has tried: list, show, view, label, export as rosbag2 or MCAP",
    "calibrate": "the camera's pose from images of a ChArUco board and poses of the arm",
    "convert": "labels to and from Cornell, COCO, Jacquard and YOLO-OBB files",
    "demo": "a simulated robot teaches itself to pick, live through the ROS 2 nodes",
    "detect": "grasp rectangles for a parallel gripper in a recorded sequence: pictures and JSON",
    "evaluate": "clear simulated bins by a policy: success rates with their confidence",
    "film": "a video of the simulated cell picking, or a window on it",
    "predict": "best suction points of a recorded sequence: overlays and JSON",
    "record": "one frame after each removal, from a rosbag2 or a folder of frames",
    "review": "accept, reject and correct labels on a local web page, or without it",
    "train": "a robot in the simulated cell teaches itself to pick: weights, learning curve",
    "train_detector": "a detector of grasp rectangles from labelled sequences",
    "verify_calibration": "how far camera pose and cup offset are off, at touched points",
    "watch": "a running robot, simulated or physical, in a window, a browser or a file",
}

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def main(
    arguments: Sequence[str] | None = None,
    commands: Mapping[str, str] = COMMANDS,
    package: str = "grasp_affordance.commands",
    prog: str = "grasp-affordance",
) -> int:
    """Run one command; return the exit status of the process.

    Args:
        arguments: of the process by default.
        commands: name -> summary; each is a module of `package` with a function `run`.
        prog: how the program is called, for its help.
    """
    name, *rest = [*(sys.argv[1:] if arguments is None else arguments)] or ["--help"]
    if name in ("-h", "--help"):
        print(usage(commands, prog))
        return 0
    if name not in commands:
        print(f"error: '{name}' is not a command\n\n{usage(commands, prog)}", file=sys.stderr)
        return USAGE
    log_to_stderr()
    try:
        return _run(f"{package}.{name}", f"{prog} {name}", rest)
    except GraspAffordanceError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # `... | head`: nobody reads on, and nobody would read why
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        print(f"error: {error}; {_remedy(error)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _remedy(error: OSError) -> str:
    """Return what a user can do about an error of the operating system."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return "free space or choose another disk, then run the command again"
        case errno.EROFS | errno.EACCES | errno.EPERM:
            return "choose a folder that you may write to, or change its permissions"
        case errno.EADDRINUSE:
            return "another program has this port: choose another with --port"
        case _:
            return "check the path and the disk"


def usage(commands: Mapping[str, str] = COMMANDS, prog: str = "grasp-affordance") -> str:
    """Return the list of commands."""
    width = max(map(len, commands))
    lines = [f"  {name:<{width}}  {summary}" for name, summary in commands.items()]
    return "\n".join(
        [f"usage: {prog} COMMAND [options]", "", *lines, "", "COMMAND --help says more."]
    )


def _run(module: str, prog: str, arguments: Sequence[str]) -> int:
    import tyro  # a third of a second that `--help` need not pay

    command = importlib.import_module(module).run
    status = tyro.cli(command, prog=prog, args=list(arguments))
    return int(status or 0)


if __name__ == "__main__":
    sys.exit(main())
