"""Off-screen rendering of a MuJoCo scene: colour and depth in one pass, object ids in another."""

import ctypes
import importlib
import importlib.util
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import CameraError
from grasp_affordance.files import Closing

_MAX_GEOMS = 2000


class Renderer(Closing):
    """Draws cameras of a model.

    An OpenGL context belongs to one thread; all drawing runs in one that the renderer owns, so
    callers may come from any.
    """

    def __init__(self, width: int, height: int) -> None:
        """Open a context for images of the given size.

        Raises:
            CameraError: no OpenGL (EGL or OSMesa) on this machine.
        """
        self.width, self.height = width, height
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="render")
        self._model: mujoco.MjModel | None = None
        self._context: mujoco.MjrContext | None = None
        try:
            self._thread.submit(self._open).result()
        except Exception as error:
            self._thread.shutdown()
            raise CameraError(
                f"cannot open an OpenGL context ({error}); install libegl1 and libegl-mesa0, or "
                "libosmesa6 and set MUJOCO_GL=osmesa"
            ) from error

    def _open(self) -> None:
        load_tritons_llvm_first()
        # EGL needs no display and, unlike MuJoCo's own choice, does not depend on import order
        backend = os.environ.get("MUJOCO_GL", "egl" if sys.platform == "linux" else "")
        module = importlib.import_module(f"mujoco.{backend}") if backend else mujoco
        self._gl = module.GLContext(self.width, self.height)
        self._gl.make_current()

    def load(self, model: mujoco.MjModel) -> None:
        """Draw this model from now on."""
        self._thread.submit(self._load, model).result()

    def _load(self, model: mujoco.MjModel) -> None:
        if self._context is not None:
            self._context.free()
        self._model = model
        model.vis.global_.offwidth = self.width
        model.vis.global_.offheight = self.height
        self._scene = mujoco.MjvScene(model, maxgeom=_MAX_GEOMS)
        self._option = mujoco.MjvOption()
        self._option.geomgroup[:] = [1, 1, 1, 0, 0, 0]
        self._option.sitegroup[:] = 0
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR  # as drawn: exact
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        if self._context.currentBuffer != mujoco.mjtFramebuffer.mjFB_OFFSCREEN:
            raise CameraError("this OpenGL has no off-screen framebuffer")

    def rgbd(
        self, data: mujoco.MjData, camera: mujoco.MjvCamera, lock: threading.RLock, shadows: bool
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return colour (H, W, 3) and depth (H, W) in metres along the optical axis."""
        return self._thread.submit(self._rgbd, data, camera, lock, shadows).result()

    def picture(
        self, data: mujoco.MjData, camera: mujoco.MjvCamera, shadows: bool
    ) -> NDArray[np.uint8]:
        """Return colour (H, W, 3); the caller keeps the physics from moving meanwhile."""
        return self.rgbd(data, camera, threading.RLock(), shadows)[0]

    def ids(
        self, data: mujoco.MjData, camera: mujoco.MjvCamera, lock: threading.RLock
    ) -> NDArray[np.int32]:
        """Return the geom id (H, W) of every pixel, -1 where there is none."""
        return self._thread.submit(self._ids, data, camera, lock).result()

    def _update(
        self, data: mujoco.MjData, camera: mujoco.MjvCamera, lock: threading.RLock
    ) -> mujoco.MjrRect:
        with lock:
            mujoco.mjv_updateScene(
                self._model,
                data,
                self._option,
                None,
                camera,
                mujoco.mjtCatBit.mjCAT_ALL.value,
                self._scene,
            )
        return mujoco.MjrRect(0, 0, self.width, self.height)

    def _rgbd(
        self, data: mujoco.MjData, camera: mujoco.MjvCamera, lock: threading.RLock, shadows: bool
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        view = self._update(data, camera, lock)
        flags = self._scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = 0
        flags[mujoco.mjtRndFlag.mjRND_SHADOW] = int(shadows)
        flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        mujoco.mjr_render(view, self._scene, self._context)
        color = np.empty((self.height, self.width, 3), np.uint8)
        buffer = np.empty((self.height, self.width), np.float32)
        mujoco.mjr_readPixels(color, buffer, view, self._context)
        assert self._model is not None
        extent = self._model.stat.extent
        near = self._model.vis.map.znear * extent
        far = self._model.vis.map.zfar * extent
        # reverse-Z: the buffer is 1 at the near plane and 0 at the far plane
        depth = near * far / (near + buffer * (far - near))
        return np.ascontiguousarray(color[::-1]), np.ascontiguousarray(depth[::-1], np.float32)

    def _ids(
        self, data: mujoco.MjData, camera: mujoco.MjvCamera, lock: threading.RLock
    ) -> NDArray[np.int32]:
        view = self._update(data, camera, lock)
        flags = self._scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = 1
        flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 1
        flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        mujoco.mjr_render(view, self._scene, self._context)
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = 0
        flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 0
        color = np.empty((self.height, self.width, 3), np.uint8)
        mujoco.mjr_readPixels(color, None, view, self._context)
        code = color.astype(np.int32) @ np.array([1, 256, 65536], np.int32)
        geoms = np.full(self._scene.ngeom + 1, -1, np.int32)
        for k in range(self._scene.ngeom):
            geom = self._scene.geoms[k]
            if geom.objtype == mujoco.mjtObj.mjOBJ_GEOM and geom.segid >= 0:
                geoms[geom.segid + 1] = geom.objid
        return np.ascontiguousarray(geoms[np.minimum(code, self._scene.ngeom)][::-1])

    def close(self) -> None:
        """Free the context."""
        if self._thread is not None:
            self._thread.submit(self._close).result()
            self._thread.shutdown()

    def _close(self) -> None:
        if self._context is not None:
            self._context.free()
            self._context = None
        self._gl.free()


def load_tritons_llvm_first() -> None:
    """Load PyTorch's Triton library, where it is installed, before Mesa is.

    Both carry LLVM. When Mesa's software renderer has loaded its own, loading Triton's (the first
    optimiser that PyTorch makes does it) ends the process with a segmentation fault; the other way
    round both work. Costs 60 ms.
    """
    package = importlib.util.find_spec("triton")
    for folder in (package.submodule_search_locations or []) if package else []:
        for library in Path(folder, "_C").glob("libtriton*.so"):
            ctypes.CDLL(str(library), mode=os.RTLD_LOCAL | os.RTLD_NOW)
