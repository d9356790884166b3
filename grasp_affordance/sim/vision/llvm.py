"""Lets Mesa and PyTorch live in one process."""

import ctypes
import importlib.util
import os
from pathlib import Path


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
