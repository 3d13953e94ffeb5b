"""The program under test on one machine of the lab, used only as an administrator would: its commands and its socket.

The lab gives it nothing that production lacks: `komainu init` commits the configuration, `komainud` is started as a
service, everything else is asked by `komainu`.
"""

import json
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from komainu.api.client import SOCKET, Client, Trouble
from komainu_lab.errors import LabError
from komainu_lab.namespaces import Node

BIN = Path(sys.prefix) / "bin"
SERVICE = "komainud"
PROPOSAL = "/etc/komainu/cluster.yaml"
AUTHKEY = "/etc/komainu/authkey"
RELEASES = "/var/opt"
COMMAND_TIMEOUT_S = 20.0

Status = dict[str, Any]


def new_authkey() -> bytes:
    """The secret that the nodes of one cluster share."""
    return secrets.token_bytes(256)


class Product:
    """Komainu on one machine."""

    def __init__(self, node: Node) -> None:
        """The machine may be off."""
        self.node = node
        self.installed = False
        self.release = ""
        "Where on the machine another release lies than the one under test; it is used from the next start on."

    def install(self, configuration: str, authkey: bytes) -> None:
        """Commit the configuration on a machine that is on, as on its first day. Raises LabError."""
        root = Path(f"/proc/{self.node.pid}/root")
        (root / PROPOSAL[1:]).write_text(configuration, encoding="utf-8")
        key = root / AUTHKEY[1:]
        key.touch(mode=0o400)
        key.write_bytes(authkey)
        self.komainu("init", PROPOSAL, "--node", self.node.name, "--authkey", AUTHKEY)
        self.installed = True

    def put_release(self, tree: Path | None) -> None:
        """Put another release (`releases.older`) on a machine that is on, as a package does; None: that under test.

        The daemon that runs goes on with the one it has.
        """
        self.release = f"{RELEASES}/{tree.name}" if tree is not None else ""
        if tree is not None:
            shutil.copytree(tree, Path(f"/proc/{self.node.pid}/root") / self.release[1:], dirs_exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """What makes Python take that release; the one under test needs nothing."""
        return {"PYTHONPATH": self.release} if self.release else {}

    def start(self) -> None:
        """Start the daemon; the machine's PID 1 starts it again when it dies."""
        self.node.start_service(SERVICE, [str(BIN / "komainud")], restart=True, env=self.environment)

    def stop(self) -> None:
        """Stop the daemon, as `systemctl stop` does."""
        self.node.stop_service(SERVICE)

    def komainu(self, *arguments: str, check: bool = True, timeout_s: float = COMMAND_TIMEOUT_S) -> str:
        """What a `komainu` command says on standard output. Raises LabError with its own words when it fails."""
        return self.call(*arguments, check=check, timeout_s=timeout_s).stdout

    def call(
        self, *arguments: str, check: bool = False, timeout_s: float = COMMAND_TIMEOUT_S
    ) -> subprocess.CompletedProcess[str]:
        """A `komainu` command, however it ends."""
        given = [f"{name}={value}" for name, value in self.environment.items()]
        return self.node.run(["env", *given, str(BIN / "komainu"), *arguments], check=check, timeout_s=timeout_s)

    def status(self) -> Status:
        """What `komainu status --json` says, asked where that asks: a look that is taken so often starts no process.

        Raises LabError.
        """
        self.node.command(())  # is anybody there?
        try:
            with Client(f"/proc/{self.node.pid}/root{SOCKET}") as client:
                return dict(client.ask("status"))
        except Trouble as trouble:
            raise LabError(f"the status of {self.node.name}: {trouble}") from None

    def log(self, lines: int = 15) -> str:
        """The end of what the daemon logged."""
        return "\n".join(self.node.disk.log(SERVICE).splitlines()[-lines:])

    def events(self, last: int = 200) -> list[dict[str, Any]]:
        """The last entries of this node's journal, oldest first. Raises LabError."""
        said = self.komainu("events", "--json", "--last", str(last))
        return [json.loads(line) for line in said.splitlines() if line.strip()]

    def wait_status(self, wanted: Callable[[Status], bool], timeout_s: float, what: str) -> Status:
        """The first status that is as wanted. Raises LabError after the timeout, with the last status seen."""
        deadline = time.monotonic() + timeout_s
        last: object = None
        while True:
            try:
                last = status = self.status()
                if wanted(status):
                    return status
            except LabError as error:
                last = error
            if time.monotonic() > deadline:
                raise LabError(f"{what} did not come true on {self.node.name} within {timeout_s:.0f} s; last: {last}")
            time.sleep(0.05)
