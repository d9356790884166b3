"""The views that the demonstration shows: real ones where they are, else a simulated one."""

from dataclasses import asdict, dataclass
from pathlib import Path

from grasp_affordance.errors import SequenceError
from grasp_affordance.ros.common.config_values import Leaf
from grasp_affordance.sequence import CAMERA_FILE, Sequence, SequenceCamera, SequenceWriter

REAL_SCENES = Path(__file__).parents[4] / "shared" / "data" / "real"


@dataclass(frozen=True)
class DemoScene:
    """One frame of a recorded sequence.

    Attributes:
        folder: of the sequence.
        frame: its name.
        bin: parameters of the affordance node that say where the bin is.
    """

    folder: Path
    frame: str
    bin: dict[str, Leaf]

    @property
    def title(self) -> str:
        """Name for people and files."""
        return f"{self.folder.name} {self.frame}"


def find_scenes(data: Path | None, scratch: Path) -> list[DemoScene]:
    """Return every frame of every sequence under `data`.

    Args:
        data: folder of sequences; None for the real ones, or a simulated one where there are none.
        scratch: folder for the simulated one.

    Raises:
        SequenceError: `data` holds no sequence.
    """
    if data is None:
        data = REAL_SCENES if REAL_SCENES.is_dir() else simulate(scratch)
    folders = sorted(path.parent for path in data.glob(f"*/{CAMERA_FILE}"))
    if not folders:
        raise SequenceError(f"{data} holds no sequence (a folder with {CAMERA_FILE})")
    sequences = [Sequence(folder) for folder in folders]
    return [
        DemoScene(sequence.folder, name, bin_parameters(sequence.camera))
        for sequence in sequences
        for name in sequence.names
    ]


def bin_parameters(camera: SequenceCamera) -> dict[str, Leaf]:
    """Return what a sequence says about its bin as parameters of the affordance node."""
    box = camera.bin
    values: dict[str, Leaf] = {
        "bin.polygon": [] if camera.region is None else camera.region.ravel().tolist()
    }
    names = ("centre", "size", "floor", "yaw")
    given = {} if box is None or camera.T_base_camera is None else asdict(box)
    for name in names:
        value = given.get(name)
        values[f"bin.box.{name}"] = list(value) if isinstance(value, tuple) else value
    return values


def simulate(folder: Path) -> Path:
    """Render one heap in a simulated bin and record it as a sequence; return the parent folder."""
    from grasp_affordance.sim import SimCell, SimConfig

    with SimCell(SimConfig(seed=1)) as cell:
        frame = cell.camera.read()
        camera = SequenceCamera(
            frame.intrinsics,
            T_base_camera=cell.camera.pose(),
            bin=cell.bin,
            frame_id=frame.frame_id,
        )
    SequenceWriter(folder / "simulated_heap", camera).append(frame)
    return folder
