"""The views that the demonstration shows: real ones where they are, else a simulated one."""

from dataclasses import dataclass
from pathlib import Path

from grasp_affordance.cell_description import CameraDescription, CellDescription
from grasp_affordance.errors import SequenceError
from grasp_affordance.sequence import CAMERA_FILE, Sequence, SequenceCamera, SequenceWriter

REAL_SCENES = Path(__file__).parents[4] / "shared" / "data" / "real"


@dataclass(frozen=True)
class DemoScene:
    """One frame of a recorded sequence.

    Attributes:
        folder: of the sequence.
        frame: its name.
        cell: what the sequence says of its bin.
    """

    folder: Path
    frame: str
    cell: CellDescription

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
        DemoScene(sequence.folder, name, cell_of(sequence.camera))
        for sequence in sequences
        for name in sequence.names
    ]


def cell_of(camera: SequenceCamera) -> CellDescription:
    """Return what a sequence says about its bin: the box, or else the outline in the image."""
    if camera.bin is not None and camera.T_base_camera is not None:
        return CellDescription(bin=camera.bin)
    if camera.region is None:
        return CellDescription()
    region = tuple((float(u), float(v)) for u, v in camera.region)
    return CellDescription(camera=CameraDescription(region=region))


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
