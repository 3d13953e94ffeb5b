"""The disk of a lab machine: private layers over the host's /etc and /var that survive a power off.

The layers lie in the lab's state directory. What a program in the machine writes to /etc or /var lands here; the host's
own files show through, except in the directories that belong to the cluster, which begin empty.
"""

import os
from pathlib import Path

EMPTY = {
    "etc": ("corosync", "komainu", "ssl/certs"),
    "var": ("lib/corosync", "lib/komainu", "log", "tmp", "crash"),
}
"Directories where the host's files must not show through."
EXPECTED = ("etc/corosync/uidgid.d", "var/log/corosync", "var/log/lab")
"Directories that the packages make at installation."


class Disk:
    """The layers of one machine."""

    def __init__(self, root: Path) -> None:
        """`root` is a directory of the lab's state; see `format`."""
        self.root = root

    def format(self) -> None:
        """Make an empty disk."""
        for name, folders in EMPTY.items():
            (self.root / name / "work").mkdir(parents=True)
            (self.root / name / "upper").mkdir()
            for folder in folders:
                self._empty(self.root / name / "upper", folder)
        for path in EXPECTED:
            self.path("/" + path).mkdir(parents=True, exist_ok=True)
        self.write("/etc/resolv.conf", "# Names are in /etc/hosts; there is no resolver.\nnameserver 127.0.0.1\n")
        self.write("/etc/hosts", "127.0.0.1 localhost\n")

    def _empty(self, upper: Path, folder: str) -> None:
        """Make a directory through which the host's one does not show, with the host's owner and mode."""
        path = upper
        for part in Path(folder).parts:
            path = path / part
            path.mkdir(exist_ok=True)
            host = Path("/") / upper.parent.name / path.relative_to(upper)
            if host.exists():
                facts = host.stat()
                os.chown(path, facts.st_uid, facts.st_gid)
                path.chmod(facts.st_mode & 0o7777)
        os.setxattr(path, "trusted.overlay.opaque", b"y")

    def layers(self) -> dict[str, dict[str, str]]:
        """What PID 1 mounts."""
        return {
            name: {"upper": str(self.root / name / "upper"), "work": str(self.root / name / "work")} for name in EMPTY
        }

    def path(self, path: str) -> Path:
        """Where a file below /etc or /var lies on the host; write there only while the power is off."""
        _, name, *rest = Path(path).parts
        return Path(self.root, name, "upper", *rest)

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Put a file on the disk of a machine whose power is off."""
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(mode)

    def log(self, service: str) -> str:
        """What a service wrote to its standard output and error, since the disk was formatted."""
        path = self.path(f"/var/log/lab/{service}.log")
        return path.read_text(errors="replace") if path.exists() else ""
