"""Recording from a running camera: described by its first frame, resumed after a kill."""

import threading
from dataclasses import replace
from pathlib import Path

from grasp_affordance.annotation.recording.from_recording import Recorder
from grasp_affordance.annotation.recording.recorder import RecordDecision, RecorderConfig
from grasp_affordance.arrays import Array
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import SequenceError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence, SequenceCamera


class LiveRecorder:
    """Appends to a sequence, new or begun before; threads may share it.

    A folder that holds frames already is gone on with: its last frame is what the scene is compared
    with, so that neither a restart nor a kill makes a removal be missed or a frame be doubled.
    """

    def __init__(
        self,
        folder: Path,
        config: RecorderConfig,
        region: Array | None = None,
        box: BinGeometry | None = None,
    ) -> None:
        """Look at the folder, and make it.

        Args:
            region: (N, 2) polygon of the bin's interior, pixels (u, v); None where unknown.
            box: the bin in the base frame; None where unknown.

        Raises:
            SequenceError: it cannot be made, or what it holds is damaged.
        """
        self._folder, self._config = folder, config
        self._region, self._box = region, box
        self._lock = threading.Lock()
        self._recorder: Recorder | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SequenceError(f"{folder} cannot be made: {error}") from error
        self._present = Sequence(folder) if any(folder.glob("*.color.png")) else None

    def offer(
        self,
        frame: RgbdFrame,
        now_ns: int,
        asked: bool = False,
        T_base_camera: Array | None = None,
    ) -> tuple[RecordDecision, str | None]:
        """Evaluate a frame and write it if it is kept; return the decision and its name.

        Args:
            now_ns: the time, in the clock of the frame's stamp.
            asked: see `recorder.consider`.
            T_base_camera: (4, 4) where it is known by now; goes to `camera.json`.

        Raises:
            SequenceError: it cannot be written, or the folder is another camera's.
        """
        with self._lock:
            try:
                recorder = self._described(frame, T_base_camera)
                return recorder.offer(frame, now_ns, asked)
            except OSError as error:
                raise SequenceError(f"{self._folder} cannot be written: {error}") from error

    def _described(self, frame: RgbdFrame, T_base_camera: Array | None) -> Recorder:
        """Return the recorder, made with the first frame, told the pose when that comes later."""
        if self._recorder is None:
            camera = SequenceCamera(
                frame.intrinsics,
                region=self._region,
                T_base_camera=T_base_camera,
                bin=self._box,
                frame_id=frame.frame_id,
            )
            self._recorder = Recorder(self._folder, self._completed(camera), self._config)
            if self._present is not None:
                self._recorder.resume(self._present.read(self._present.names[-1]))
        elif T_base_camera is not None and self._recorder.camera.T_base_camera is None:
            self._recorder.describe(replace(self._recorder.camera, T_base_camera=T_base_camera))
        return self._recorder

    def _completed(self, camera: SequenceCamera) -> SequenceCamera:
        """Return what is known of the camera, from the folder where it is not known now."""
        if self._present is None:
            return camera
        before = self._present.camera
        return replace(
            camera,
            depth_scale=before.depth_scale,
            region=before.region if camera.region is None else camera.region,
            T_base_camera=(
                before.T_base_camera if camera.T_base_camera is None else camera.T_base_camera
            ),
            bin=before.bin if camera.bin is None else camera.bin,
            extra=before.extra,
        )
