"""Recovery that could not do what it says, and the scripts around it (C3, C4, C6)."""

from collections.abc import Iterator

from komainu.config.parameters import resources
from komainu.config.problem import Finding, Path, named, shown
from komainu.model.config import Cluster
from komainu.model.message import Message

FAILBACK_TO_NOBODY = Message(
    "KM1631",
    "`failback: auto` brings a group back to a better node, but {group} can start on one node only. Add a second node "
    "to its list, or remove `failback`.",
    "`failback: auto` はグループを優先順位の高いノードに戻しますが、{group} は 1 つのノードでしか起動できません。"
    "起動可能な"
    "ノードを追加するか、`failback` を削除してください。",
    "error",
)
FAILBACK_OF_MANUAL = Message(
    "KM1632",
    "`failback: auto` and `failover: manual` contradict each other: {group} would go back by itself from where only an "
    "operator may bring it. Write `failover: auto`, or `failback: manual`.",
    "`failback: auto` と `failover: manual` は矛盾しています。"
    "操作者だけが移せるはずのグループ {group} が自動で戻ることに"
    "なります。`failover: auto` か `failback: manual` にしてください。",
    "error",
)
STOP_AFTER_STOP = Message(
    "KM1633",
    "`{action}` cannot follow a stop that failed: it would be the same stop again. Write `none`, which tries the stop "
    "again for ever, or an action that ends the node, such as `shutdown`.",
    "停止に失敗した後の最終動作に `{action}` は使えません。同じ停止の繰り返しになるためです。"
    "停止を試み続ける `none` か、"
    "`shutdown` のようにノードを終了させる動作を指定してください。",
    "error",
)
SCRIPT_RELATIVE = Message(
    "KM1634",
    "The script {script} is not an absolute path, and the daemon has no directory of yours to start from. Write the "
    "path from the root, such as `/opt/app/check.sh`, the same on every node.",
    "スクリプト {script} は絶対パスではありません。デーモンには起点となるディレクトリがありません。"
    "`/opt/app/check.sh` のように、全ノードに共通の絶対パスで書いてください。",
    "error",
)
MESSAGES = (FAILBACK_TO_NOBODY, FAILBACK_OF_MANUAL, STOP_AFTER_STOP, SCRIPT_RELATIVE)

_SCRIPTS = ("before_start", "after_start", "before_stop", "after_stop")


def findings(cluster: Cluster) -> Iterator[Finding]:
    """Failback of groups, final actions of resources, scripts of both resources and monitors."""
    known = [node.name for node in cluster.nodes if node.name]
    for number, group in enumerate(cluster.groups):
        if group.failback != "auto":
            continue
        path = ("groups", number, "failback")
        if len([node for node in group.nodes if node in known]) == len(group.nodes) == 1:
            yield Finding(path, FAILBACK_TO_NOBODY.said(group=named(group.name)))
        elif group.failover == "manual":
            yield Finding(path, FAILBACK_OF_MANUAL.said(group=named(group.name)))
    for place, _, resource in resources(cluster):
        action = resource.recovery.stop_final_action
        if action in ("stop-resource", "stop-group"):
            yield Finding((*place, "recovery", "stop_final_action"), STOP_AFTER_STOP.said(action=action))
        for key in _SCRIPTS:
            yield from _script((*place, "scripts", key), getattr(resource.scripts, key))
    for number, monitor in enumerate(cluster.monitors):
        yield from _script(("monitors", number, "recovery", "script"), monitor.recovery.script)


def _script(path: Path, script: str) -> Iterator[Finding]:
    if script and (not script.startswith("/") or not script.isprintable()):
        yield Finding(path, SCRIPT_RELATIVE.said(script=shown(script)))
