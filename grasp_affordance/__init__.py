"""A UR5 with a vacuum cup and an RGB-D camera that teaches itself to empty a bin."""

import os

# Before NumPy is loaded. Our matrices have three columns: with them OpenBLAS's threads do nothing
# but wait for each other, and a view takes three times the processor. Who has set it knows better.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
