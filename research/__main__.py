"""`python -m research COMMAND ...`: experiments and reports, from a checkout."""

import sys

from grasp_affordance.cli import main

COMMANDS = {
    "experiment": "ways to learn against each other over seeds, beside the prior and the oracle",
    "baselines": "reports of `grasp-affordance evaluate` as tables in results/",
    "report": "the tables of results/ in the pages that name them",
}

if __name__ == "__main__":
    sys.exit(main(None, COMMANDS, "research.commands", "python -m research"))
