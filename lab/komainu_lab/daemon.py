"""The process that holds a lab alive between `komainu-lab up` and `komainu-lab down`.

    python3 -m komainu_lab.daemon EXAMPLE NAME

It says its progress as JSON lines on standard output until the lab is ready, and then serves a Unix socket in the
state directory: one JSON line in, one JSON line out.
"""

import json
import os
import signal
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from komainu_lab import faults
from komainu_lab.cluster import LabCluster
from komainu_lab.errors import LabError
from komainu_lab.lab import ROOT

CALL_TIMEOUT_S = 180.0

Answer = dict[str, Any]


def socket_path(name: str) -> Path:
    """Where the lab of that name is served."""
    return ROOT / name / "control.sock"


class Operations:
    """What can be asked of a running lab."""

    def __init__(self, cluster: LabCluster, end: Callable[[], None]) -> None:
        """`end` makes the process leave its main loop."""
        self.cluster = cluster
        self.end = end

    def answer(self, request: Answer) -> Answer:
        """Carry out one request. What goes wrong is in the answer's `error`."""
        operation = getattr(self, "do_" + str(request.pop("do", "")).replace("-", "_"), None)
        if operation is None:
            return {"error": "the lab does not know this request; it was started by another version"}
        try:
            return dict(operation(**request) or {})
        except (LabError, OSError) as error:
            return {"error": str(error)}

    def do_status(self) -> Answer:
        """The machines, the cuts that hold, and what the product says."""
        lab = self.cluster.lab
        machines = [
            {
                "name": machine.name,
                "kind": machine.kind,
                "address": str(machine.address),
                "zone": machine.subnet.zone,
                "power": "frozen" if lab.node(machine.name).frozen else "on" if lab.node(machine.name).on else "off",
                "pid": lab.node(machine.name).pid,
            }
            for machine in lab.topology.machines
        ]
        try:
            product: Answer = self.cluster.status()
            picture = self.cluster.product(product["here"]["node"]).komainu("status")
        except LabError as error:
            product, picture = {"error": str(error)}, f"The cluster does not answer: {error}"
        return {
            "example": self.cluster.example,
            "service": str(lab.topology.service_address),
            "machines": machines,
            "cuts": [name for name in lab.wires.cuts if name.startswith("cut ")],
            "cluster": product,
            "picture": picture,
        }

    def do_fault(self, kind: str, **options: str) -> Answer:
        """One of the faults."""
        return {"at_ns": faults.apply(self.cluster, kind, options)}

    def do_command(self, machine: str, argv: list[str]) -> Answer:
        """The host command that runs something inside a machine, on the caller's terminal."""
        return {"argv": self.cluster.lab.node(machine).command(argv, tty=True)}

    def do_client(self) -> Answer:
        """Begin to ask through the address that moves; says where the records are."""
        self.cluster.client.start()
        return {"log": str(self.cluster.client.log.path)}

    def do_down(self) -> None:
        """Take the lab down."""
        self.end()


class Handler(socketserver.StreamRequestHandler):
    """One request, one answer."""

    server: "Server"

    def handle(self) -> None:
        """Serve one connection."""
        line = self.rfile.readline(1 << 20)
        if line:
            self.wfile.write(json.dumps(self.server.operations.answer(json.loads(line))).encode() + b"\n")


class Server(socketserver.ThreadingUnixStreamServer):
    """The control socket."""

    daemon_threads = True

    def __init__(self, path: Path, cluster: LabCluster) -> None:
        """Listens at once; only root may connect."""
        super().__init__(str(path), Handler)
        path.chmod(0o600)
        # From another thread: shutdown() waits for the loop, and the loop may wait for this request.
        self.operations = Operations(cluster, lambda: threading.Thread(target=self.shutdown, daemon=True).start())


def call(name: str, do: str, **arguments: Any) -> Answer:
    """Ask a running lab. Raises LabError with its words, or when there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(CALL_TIMEOUT_S)
        try:
            sock.connect(str(socket_path(name)))
        except OSError:
            raise LabError(f"no lab named '{name}' is up; start one: komainu-lab up --name {name}") from None
        sock.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")
        with sock.makefile() as file:
            line = file.readline()
    if not line:
        raise LabError("the lab ended before it answered")
    answer: Answer = json.loads(line)
    if "error" in answer:
        raise LabError(answer["error"])
    return answer


def _tell(**words: Any) -> None:
    """One line for `komainu-lab up`."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def _await_service(cluster: LabCluster) -> None:
    """Wait until the service is online; a cluster that does not come so far is kept, to be looked at."""
    try:
        _tell(say=f"the service is online on {cluster.wait_settled()}")
    except LabError as error:
        _tell(say=f"not settled, and kept as it is: {error}")


def _let_go(log: Path) -> None:
    """Write to a file from now on: whoever reads the output of `komainu-lab up` must see its end."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def main() -> int:
    """Bring the lab up, say so, hold it until it is told to end."""
    example, name = sys.argv[1:3]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with (
            LabCluster(example, name, lambda text: _tell(say=text)) as cluster,
            Server(socket_path(name), cluster) as server,
        ):
            _await_service(cluster)
            _tell(ready=True)
            _let_go(cluster.lab.state / "daemon.log")
            server.serve_forever()
    except LabError as error:
        _tell(error=str(error))
        return 1
    except (KeyboardInterrupt, BrokenPipeError):
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
