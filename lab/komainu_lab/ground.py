"""What a lab needs of the machine it runs on; each lack is one sentence with the remedy."""

import os
import shutil
from pathlib import Path

from komainu_lab.errors import LabError

PROGRAMS = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "nft": "nftables",
    "corosync": "corosync",
}
FILE_SYSTEMS = ("overlay", "tmpfs")
SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def check() -> None:
    """Raises LabError for the first thing that is missing."""
    if os.geteuid() != 0:
        raise LabError("the lab makes network and process namespaces, so it must run as root: use sudo")
    if not Path("/proc/self/ns/pid").exists():
        raise LabError("this kernel has no namespaces (CONFIG_PID_NS, CONFIG_NET_NS); use a kernel of Debian or Ubuntu")
    for program, package in PROGRAMS.items():
        if shutil.which(program, path=SEARCH) is None:
            raise LabError(f"{program} is missing; install it: apt-get install {package}")


def check_file_systems(filesystems: str, modules: Path) -> None:
    """Raises LabError when a file system is neither in the kernel nor a module of it.

    `filesystems` is the text of /proc/filesystems, `modules` the folder of the running kernel's modules.
    """
    known = {line.split()[-1] for line in filesystems.splitlines() if line.split()}
    for name in FILE_SYSTEMS:
        if name not in known and not any(modules.rglob(f"{name}.ko*")):
            raise LabError(f"this kernel has no {name} file system; use a kernel of Debian or Ubuntu")
