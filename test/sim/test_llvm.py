"""The renderer and PyTorch share a process, whichever comes first."""

import subprocess
import sys

_PROGRAM = """
from grasp_affordance.sim.vision.render import Renderer
renderer = Renderer(32, 32)
import torch
torch.optim.AdamW(torch.nn.Linear(2, 2).parameters())
print("both")
"""


def test_an_optimiser_can_be_made_while_a_renderer_is_open() -> None:
    command = [sys.executable, "-c", "import grasp_affordance.sim\n" + _PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "both"), done.stderr
