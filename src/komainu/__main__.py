"""`python -m komainu`: the command line."""

import sys

from komainu.compose import cli

sys.exit(cli())
