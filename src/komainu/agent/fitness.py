"""What keeps a configuration from holding on this machine: everything at once (C11). It blocks: call it in a thread.

Whatever can be known from the configuration alone was refused by the reader already; it is looked at again here because
this node may run another release than the one that read the file.
"""

import errno
import os
import shutil
import socket
import stat
from collections.abc import Iterator
from typing import Any, Protocol

from komainu.config import parameters
from komainu.config.declared import Declared
from komainu.config.problem import path_text
from komainu.config.rules import judge
from komainu.model.config import Cluster, Group, Monitor
from komainu.model.message import Message, Said
from komainu.types.notify.secret import SecretTrouble, read_secret

AT_PLACE = Message("KM5201", "Node {node}, {place}: {reason}", "ノード {node}、{place}: {reason}", "error")
NO_PROGRAM = Message(
    "KM5202",
    "Node {node}: {file} ({place}) cannot be run ({trouble}). Put an executable file there on every node that runs it.",
    "ノード {node}: {file} ({place}) を実行できません ({trouble})。"
    "使用する全ノードに実行可能なファイルを置いてください。",
    "error",
)
NO_ADDRESS = Message(
    "KM5203",
    "Node {node}: its interconnect address {address} is not on this machine, so the others could not hear it. Add the "
    "address to a network device, or correct `links`.",
    "ノード {node}: インタコネクトのアドレス {address} がこのマシンにないため、他のノードと通信できません。"
    "ネットワークデバイスにアドレスを追加するか、`links` を訂正してください。",
    "error",
)
NO_LINK_STAYS = Message(
    "KM5204",
    "Every interconnect would change at once, and the nodes would lose sight of each other. Keep one link as it is, "
    "add or change another, apply that, and then change the first one.",
    "すべてのインタコネクトが同時に変わるとノードが互いに通信できなくなります。1 つのインタコネクトはそのままにして"
    "他を追加または変更し、適用後に残りを変更してください。",
    "error",
)
OTHER_ID = Message(
    "KM5205",
    "Node {node} cannot get another id ({old}, now {new}) while the cluster runs: corosync would see two nodes. Leave "
    "`id` as it is.",
    "クラスタの動作中はノード {node} の id を変更できません ({old} から {new})。corosync が別のノードとみなします。"
    "`id` は変更しないでください。",
    "error",
)
NO_FILE = Message(
    "KM5206",
    "Node {node}: the file {file} ({place}) cannot be read ({reason}). Every node needs it.",
    "ノード {node}: ファイル {file} ({place}) を読み込めません ({reason})。このファイルは全ノードに必要です。",
    "error",
)

SCRIPTS = ("before_start", "after_start", "before_stop", "after_stop")
PROGRAMS = ("command", "script")
"What types call a parameter that names a program: a text or a list of words."


class Machine(Protocol):
    """What a configuration asks of the machine. All methods block."""

    def lacks_program(self, path: str) -> str:
        """Why that program cannot be run, in a few words; empty when it can."""

    def lacks_address(self, address: str) -> bool:
        """True when no device of this machine carries the address."""


class ThisMachine:
    """`Machine`: the one that this process runs on."""

    def lacks_program(self, path: str) -> str:
        """Why that program cannot be run; empty when it can."""
        found = path if "/" in path else shutil.which(path)
        try:
            mode = os.stat(found or "").st_mode
        except OSError as error:
            return error.strerror or str(error)
        if stat.S_ISREG(mode):
            return "" if mode & 0o111 else os.strerror(errno.EACCES)
        return os.strerror(errno.EISDIR if stat.S_ISDIR(mode) else errno.ENOEXEC)

    def lacks_address(self, address: str) -> bool:
        """True when no device carries it: only an own address can be bound to."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
            try:
                probe.bind((address, 0))
            except OSError as error:
                return error.errno == errno.EADDRNOTAVAIL
        return False


def unfit(me: str, cluster: Cluster, old: Cluster, declared: Declared, machine: Machine) -> tuple[Said, ...]:
    """Every reason why the configuration cannot hold on this node in place of the old one; empty when it can."""
    return tuple(
        dict.fromkeys(
            (
                *_rules(me, cluster, declared),
                *_unchangeable(cluster, old),
                *_addresses(me, cluster, machine),
                *_programs(me, cluster, machine),
                *_secrets(me, cluster, declared),
            )
        )
    )


def at_place(node: str, place: str, reason: Said) -> Said:
    """A reason with the node and the part of the configuration it belongs to."""
    return AT_PLACE.said(node=node, place=place, reason=reason)


def _rules(me: str, cluster: Cluster, declared: Declared) -> Iterator[Said]:
    for finding in (*parameters.findings(cluster, declared), *judge(cluster, declared)):
        if finding.said.level == "error":
            yield at_place(me, path_text(finding.path) or cluster.name, finding.said)


def _unchangeable(cluster: Cluster, old: Cluster) -> Iterator[Said]:
    before = {node.name: node for node in old.nodes}
    both = [(before[node.name], node) for node in cluster.nodes if node.name in before]
    for known, node in both:
        if known.id != node.id:
            yield OTHER_ID.said(node=node.name, old=known.id, new=node.id)
    stays = (
        all(link < len(node.links) and known.links[link] == node.links[link] for known, node in both)
        for link in range(len(old.nodes[0].links))
    )
    if len(both) > 1 and not any(stays):
        yield NO_LINK_STAYS.said()


def _addresses(me: str, cluster: Cluster, machine: Machine) -> Iterator[Said]:
    for node in cluster.nodes:
        if node.name == me:
            for address in node.links:
                if machine.lacks_address(address):
                    yield NO_ADDRESS.said(node=me, address=address)


def _programs(me: str, cluster: Cluster, machine: Machine) -> Iterator[Said]:
    """Scripts and commands of what may run here; those of resources themselves are looked at by `prepare`."""
    named = [*_of_groups(me, cluster.groups), *_of_monitors(me, cluster.monitors)]
    for place, path in named:
        trouble = machine.lacks_program(path)
        if trouble:
            yield NO_PROGRAM.said(node=me, file=path, place=place, trouble=trouble)


def _of_groups(me: str, groups: tuple[Group, ...]) -> Iterator[tuple[str, str]]:
    for group in groups:
        for resource in group.resources if me in group.nodes else ():
            for key in SCRIPTS:
                path = getattr(resource.scripts, key)
                if path:
                    yield f"groups/{group.name}/{resource.name}/scripts/{key}", path


def _of_monitors(me: str, monitors: tuple[Monitor, ...]) -> Iterator[tuple[str, str]]:
    for monitor in monitors:
        if me not in monitor.nodes:
            continue
        if monitor.recovery.script:
            yield f"monitors/{monitor.name}/recovery/script", monitor.recovery.script
        for key, value in monitor.params_on(me).items():
            if key in PROGRAMS and (path := _program(value)):
                yield f"monitors/{monitor.name}/params/{key}", path


def _program(value: Any) -> str:
    """The program that a parameter names."""
    if isinstance(value, str):
        return value.split(maxsplit=1)[0] if value.strip() else ""
    return str(value[0]) if isinstance(value, list | tuple) and value else ""


def _secrets(me: str, cluster: Cluster, declared: Declared) -> Iterator[Said]:
    """Files with secrets of notifications; a file of certificates is no secret."""
    for notification in cluster.notifications:
        kind = declared.notifiers.get(notification.kind)
        for key in kind.params.model_fields if kind is not None else ():
            file = notification.params.get(key)
            if not (key.endswith("_file") and isinstance(file, str)):
                continue
            place = f"notifications/{notification.name}/{key}"
            if key == "ca_file":
                try:
                    with open(file, "rb") as source:
                        source.read(1)
                except OSError as error:
                    yield NO_FILE.said(node=me, file=file, place=place, reason=error.strerror or str(error))
                continue
            try:
                read_secret(notification.name, file)
            except SecretTrouble as trouble:
                yield at_place(me, place, trouble.said)
