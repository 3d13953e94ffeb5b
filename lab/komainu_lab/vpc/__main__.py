"""The emulated VPC's process:

nsenter -t ROUTER_PID --net python3 -m komainu_lab.vpc TOPOLOGY STATE_DIRECTORY
"""

import os
import sys

from komainu_lab.vpc import models


def main() -> int:
    """Prepare what must be so before moto is imported, then serve."""
    # Whatever account the lab's user works with has no say here.
    for name in [name for name in os.environ if name.startswith(("AWS_", "MOTO_"))]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    # moto's machine images take a second to load, and the lab needs none.
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    models.remember()
    from komainu_lab.vpc import emulator

    return emulator.main(*sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
