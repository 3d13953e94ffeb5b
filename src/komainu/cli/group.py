"""`komainu group move|start|stop|restore` and `komainu resource start|stop`."""

from argparse import Namespace

from komainu.cli.command import Goal, changing, give
from komainu.cli.session import Commands, Session


def register(commands: Commands) -> None:
    """Add the commands."""
    below = commands.below("group", ("move, start and stop groups", "グループの移動、起動、停止"))
    group = ("the group", "グループ名")
    place = ("the node; by default the best one", "ノード。省略時は最適なノード")
    text = (
        "run the group on that node, or on the best other one",
        "グループを指定したノード (省略時は他の最適なノード) に移す",
    )
    arguments = below.add("move", text, move).value("group", "GROUP", group)
    changing(arguments.value("node", "NODE", place, nargs="?"), waits=True)
    text = (
        "start the group, on that node or on the best one",
        "グループを指定したノード (省略時は最適なノード) で起動する",
    )
    arguments = below.add("start", text, start).value("group", "GROUP", group)
    changing(arguments.value("node", "NODE", place, nargs="?"), waits=True)
    text = ("stop the group, and leave it stopped", "グループを停止したままにする")
    changing(below.add("stop", text, stop).value("group", "GROUP", group), waits=True)
    text = (
        "forget the failures of the group, and try again what recovery gave up",
        "グループの異常回数を取り消し、断念した復旧を再試行する",
    )
    changing(below.add("restore", text, restore).value("group", "GROUP", group), waits=True)

    below = commands.below("resource", ("start and stop single resources", "リソース単体の起動、停止"))
    resource = ("the resource", "リソース名")
    text = ("start a resource, and what it depends on", "リソースと、それが依存するものを起動する")
    changing(below.add("start", text, start_resource).value("resource", "RESOURCE", resource), waits=True)
    text = ("stop a resource, and what depends on it", "リソースと、それに依存するものを停止する")
    changing(below.add("stop", text, stop_resource).value("resource", "RESOURCE", resource), waits=True)


def move(session: Session, chosen: Namespace) -> int:
    """Move a group."""
    args = {"group": chosen.group, "node": chosen.node}
    return give(session, chosen, "group.move", args, Goal("group", chosen.group, "Online"))


def start(session: Session, chosen: Namespace) -> int:
    """Start a group."""
    args = {"group": chosen.group, "node": chosen.node}
    return give(session, chosen, "group.start", args, Goal("group", chosen.group, "Online"))


def stop(session: Session, chosen: Namespace) -> int:
    """Stop a group."""
    return give(session, chosen, "group.stop", {"group": chosen.group}, Goal("group", chosen.group, "Offline"))


def restore(session: Session, chosen: Namespace) -> int:
    """Forget the failures of a group."""
    return give(session, chosen, "group.restore", {"group": chosen.group}, Goal("group", chosen.group, "Online"))


def start_resource(session: Session, chosen: Namespace) -> int:
    """Start a resource."""
    goal = Goal("resource", chosen.resource, "Online")
    return give(session, chosen, "resource.start", {"resource": chosen.resource}, goal)


def stop_resource(session: Session, chosen: Namespace) -> int:
    """Stop a resource."""
    goal = Goal("resource", chosen.resource, "Offline")
    return give(session, chosen, "resource.stop", {"resource": chosen.resource}, goal)
