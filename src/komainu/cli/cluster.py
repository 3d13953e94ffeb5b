"""`komainu cluster start|stop|suspend|resume` and `komainu maintenance on|off`."""

from argparse import Namespace

from komainu.cli.command import Goal, changing, give, waiting
from komainu.cli.session import Arguments, Commands, Session
from komainu.model.message import Message

STOPS = {
    "stop": Message(
        "KM6110",
        "All groups stop on all nodes, and stay stopped until `komainu cluster start`: nobody serves their clients.",
        "全ノードで全グループを停止します。`komainu cluster start` まで停止したままとなり、サービスは提供されません。",
        "warning",
    ),
    "shutdown": Message(
        "KM6111",
        "All groups stop on all nodes, then all nodes shut down: somebody has to switch them on again.",
        "全ノードで全グループを停止した後、全ノードをシャットダウンします。再開には電源の投入が必要です。",
        "warning",
    ),
    "reboot": Message(
        "KM6112",
        "All groups stop on all nodes, then all nodes reboot: nobody serves their clients until they are back.",
        "全ノードで全グループを停止した後、全ノードを再起動します。復帰までサービスは提供されません。",
        "warning",
    ),
}


def register(commands: Commands) -> None:
    """Add the commands."""
    below = commands.below("cluster", ("all nodes at once", "クラスタ全体の操作"))
    text = ("start all nodes that are stopped", "停止中の全ノードを開始する")
    waiting(below.add("start", text, start))
    text = ("stop all groups and nodes; the daemons stay", "全グループと全ノードを停止する (デーモンは残る)")
    changing(afterwards(below.add("stop", text, stop)), waits=True, asks=True)
    text = (
        "check, recover, start and stop nothing; what runs goes on",
        "監視、復旧、起動、停止を中断する (動作中のものは継続)",
    )
    changing(below.add("suspend", text, suspend), waits=True)
    changing(below.add("resume", ("the end of suspend", "サスペンドを解除する"), resume), waits=True)
    text = (
        "the maintenance switch: while it is on nothing is recovered",
        "メンテナンスモード。有効な間は復旧処理を行わない",
    )
    switch = ("on or off", "on または off")
    changing(commands.add("maintenance", text, maintenance).value("switch", "on|off", switch, choices=("on", "off")))


def afterwards(arguments: Arguments) -> Arguments:
    """What comes after a stop."""
    down = ("then shut the operating system down", "その後 OS をシャットダウンする")
    again = ("then reboot the operating system", "その後 OS を再起動する")
    arguments.option("--shutdown", down, dest="then", action="store_const", const="shutdown", default="stop")
    return arguments.option("--reboot", again, dest="then", action="store_const", const="reboot")


def start(session: Session, chosen: Namespace) -> int:
    """Start what is stopped."""
    return give(session, chosen, "cluster.start", {}, Goal("cluster", None, "Online"))


def stop(session: Session, chosen: Namespace) -> int:
    """Stop everything."""
    goal = Goal("cluster", None, "Offline", ends_here=chosen.then != "stop")
    return give(session, chosen, "cluster.stop", {"then": chosen.then}, goal, STOPS[chosen.then].said())


def suspend(session: Session, chosen: Namespace) -> int:
    """Suspend all nodes; it holds once every node has noted it."""
    return give(session, chosen, "cluster.suspend", {}, Goal("cluster", None, "Suspended"))


def resume(session: Session, chosen: Namespace) -> int:
    """Resume all nodes."""
    return give(session, chosen, "cluster.resume", {}, Goal("cluster", None, "Resumed"))


def maintenance(session: Session, chosen: Namespace) -> int:
    """Turn the maintenance switch."""
    return give(session, chosen, "maintenance", {"on": chosen.switch == "on"})
