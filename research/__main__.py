"""`python -m research COMMAND ...`: experiments and reports, from a checkout."""

import sys

from grasp_affordance.cli import main

COMMANDS = {
    "experiment": "ways to learn against each other over seeds, beside the prior and the oracle",
    "report": "tables and pictures of docs/results.md from reports on disk",
}

if __name__ == "__main__":
    sys.exit(main(None, COMMANDS, "research.commands", "python -m research"))
