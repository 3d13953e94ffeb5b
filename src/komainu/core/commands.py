"""Operators' requests: accepted as a change of facts, or refused with the reason and the remedy (C10)."""

from dataclasses import replace
from typing import assert_never

from komainu.core import change, orders, takeover
from komainu.core import events as e
from komainu.core.actions import AnswerCommand
from komainu.core.destination import admits, at_rest, destinations, settled_on, usable
from komainu.core.recovery import cleared
from komainu.core.state import GroupFacts, Presence, Proof, State, Status, Wanted
from komainu.model.config import Group
from komainu.model.message import Message, Said

ACCEPTED = Message("KM7701", "Accepted.", "受け付けました。")
NO_GROUP = Message(
    "KM7702",
    "There is no group {group}. `komainu status` lists the groups.",
    "グループ {group} はありません。グループの一覧は `komainu status` で確認できます。",
    "error",
)
NO_SUCH_NODE = Message(
    "KM7703",
    "There is no node {node}. `komainu node list` lists the nodes.",
    "ノード {node} はありません。ノードの一覧は `komainu node list` で確認できます。",
    "error",
)
NOT_STARTABLE = Message(
    "KM7704",
    "Group {group} may not run on {node}: its startable nodes are {nodes}.",
    "グループ {group} は {node} では起動できません。起動可能なノードは {nodes} です。",
    "error",
)
NOT_USABLE = Message(
    "KM7705",
    "Node {node} cannot take group {group} now: it is {presence}. Wait until `komainu status` shows it Online.",
    "ノード {node} は現在 {presence} のため、グループ {group} を引き受けられません。"
    "`komainu status` で Online になるまで待ってください。",
    "error",
)
NOBODY_USABLE = Message(
    "KM7706",
    "No node can take group {group} now. `komainu status` shows why.",
    "現在グループ {group} を引き受けられるノードがありません。理由は `komainu status` で確認できます。",
    "error",
)
ALREADY_THERE = Message(
    "KM7707",
    "Group {group} is already on {node}. Nothing was changed.",
    "グループ {group} は既に {node} にあります。変更はありません。",
)
ALREADY_STOPPED = Message(
    "KM7708",
    "Group {group} is already stopped. Nothing was changed.",
    "グループ {group} は既に停止しています。変更はありません。",
)
NOT_FORMED = Message(
    "KM7709",
    "The cluster has not formed yet: it waits for the other nodes. Wait until they are there, or until the startup "
    "sync wait is over.",
    "クラスタはまだ構成されていません。他のノードの参加、または起動同期待ち時間の経過を待ってください。",
    "error",
)
HOME_SILENT = Message(
    "KM7710",
    "Group {group} is on {node}, whose daemon does not answer; it cannot be told to stop anything. Restart komainud on "
    "{node} first.",
    "グループ {group} のある {node} のデーモンが応答しないため、停止を指示できません。"
    "先に {node} の komainud を再起動してください。",
    "error",
)
NOT_LOST = Message(
    "KM7711",
    "Node {node} is not lost (it is {presence}); there is nothing to confirm.",
    "ノード {node} は通信不能ではありません ({presence})。確認の必要はありません。",
    "error",
)
WOULD_WAIT = Message(
    "KM7714",
    "Group {group} runs, and could not start on {node} now: node {lost} is lost and may hold it for all that is known. "
    "Make sure that {lost} is off and say so with `komainu node confirm-gone {lost}`, then move the group.",
    "グループ {group} は稼働中ですが、現在 {node} では起動できません。ノード {lost} が通信不能で、停止が確認されて"
    "いないためです。{lost} の停止を確かめて `komainu node confirm-gone {lost}` を実行してから、移動してください。",
    "error",
)
OUTDATED_WORD = Message(
    "KM7713",
    "Nodes were lost or came back since you looked. Make sure again that node {node} is off, then confirm once more.",
    "確認後にノードの離脱または復帰がありました。ノード {node} の停止を改めて確かめてから、もう一度実行してください。",
    "error",
)
CONFIRMED = Message(
    "KM7712",
    "An operator on {origin} confirmed that node {node} is gone.",
    "{origin} の操作者がノード {node} の停止を確認しました。",
    "warning",
)

TOO_OLD = Message(
    "KM7715",
    "A member runs an older release that does not know this command yet. Finish the upgrade of all nodes first.",
    "この操作に対応していない旧バージョンのノードがあります。先に全ノードのアップグレードを完了してください。",
    "error",
)
HOME_SUSPENDED = Message(
    "KM7716",
    "Group {group} is on {node}, which is suspended. Resume it first with `komainu node resume {node}`.",
    "グループ {group} のある {node} はサスペンド中です。先に `komainu node resume {node}` で再開してください。",
    "error",
)
ELSEWHERE = Message(
    "KM7717",
    "Group {group} already runs on {node}. Use `komainu group move` to move it.",
    "グループ {group} は既に {node} で起動しています。移動するには `komainu group move` を使用してください。",
    "error",
)
NEEDED = Message(
    "KM7718",
    "Group {group} cannot be stopped: group {other} depends on it. Stop {other} first.",
    "グループ {other} が依存しているため、グループ {group} を停止できません。先に {other} を停止してください。",
    "error",
)
NOTHING_TO_RESTORE = Message(
    "KM7719",
    "Group {group} has no failures to forget. Nothing was changed.",
    "グループ {group} に取り消す異常はありません。変更はありません。",
)
NO_RESOURCE = Message(
    "KM7720",
    "There is no resource {resource} in group {group}. Its resources: {resources}.",
    "グループ {group} にリソース {resource} はありません。リソース: {resources}",
    "error",
)
NOT_UP = Message(
    "KM7721",
    "Group {group} is not started, so {resource} cannot be by itself. Start the group with `komainu group start "
    "{group}`.",
    "グループ {group} が起動していないため、{resource} を個別に操作できません。"
    "`komainu group start {group}` でグループを起動してください。",
    "error",
)
PART_STOPPED = Message(
    "KM7722",
    "{resource} is already stopped. Nothing was changed.",
    "{resource} は既に停止しています。変更はありません。",
)
PART_STARTED = Message(
    "KM7723",
    "{resource} is already started. Nothing was changed.",
    "{resource} は既に起動しています。変更はありません。",
)
NOT_WITH = Message(
    "KM7724",
    "Group {group} may not go to {node}: an exclusion or a dependency on the same node forbids it. Move the other "
    "group first.",
    "排他ルールまたは同一ノードの依存関係により、グループ {group} は {node} に移動できません。"
    "先に相手のグループを移動してください。",
    "error",
)

MESSAGES = (
    ACCEPTED, NO_GROUP, NO_SUCH_NODE, NOT_STARTABLE, NOT_USABLE, NOBODY_USABLE, ALREADY_THERE, ALREADY_STOPPED,
    NOT_FORMED, HOME_SILENT, NOT_LOST, WOULD_WAIT, OUTDATED_WORD, CONFIRMED, TOO_OLD, HOME_SUSPENDED, ELSEWHERE, NEEDED,
    NOTHING_TO_RESTORE, NO_RESOURCE, NOT_UP, PART_STOPPED, PART_STARTED, NOT_WITH,
)  # fmt: skip


def obey(state: State, event: e.CommandGiven, cause: Said, rules: int) -> State:
    """Carry a command into the facts and answer it."""
    changed, refusal = _judge(state, event, cause, rules)
    if refusal is None and isinstance(event.command, e.ChangeConfiguration):
        return changed  # it is answered once the configuration is in force, or is not going to be
    accepted = refusal is None or refusal.level == "info"
    return changed.doing(AnswerCommand(event.id, event.origin, accepted, refusal or ACCEPTED.said()))


def _judge(state: State, event: e.CommandGiven, cause: Said, rules: int) -> tuple[State, Said | None]:
    """The changed facts; or why nothing changes: said as information when all is already as it was asked for."""
    command = event.command
    match command:
        case e.ConfirmGone():
            return _confirm_gone(state, command, event.origin)
        case e.MoveGroup() | e.StartGroup() | e.StopGroup():
            return _on_group(state, command, cause)
        case e.ResumeNode() | e.ResumeMonitor() | e.SetMaintenance(on=False):
            return orders.obey(state, command)  # what can be ended must not be kept up by an old member that returns
        case _ if rules < 2:
            return state, TOO_OLD.said()
        case e.ChangeConfiguration():
            return change.propose(state, event, command)
        case e.RestoreGroup() | e.StartPart() | e.StopPart():
            return _on_group(state, command, cause)
        case _:
            return orders.obey(state, command)


GroupCommand = e.MoveGroup | e.StartGroup | e.StopGroup | e.RestoreGroup | e.StartPart | e.StopPart


def _on_group(state: State, command: GroupCommand, cause: Said) -> tuple[State, Said | None]:
    if command.group not in state.groups:
        return state, NO_GROUP.said(group=command.group)
    group, facts = state.cluster.group(command.group), state.groups[command.group]
    if isinstance(command, e.StopGroup):
        return _stop(state, group, facts, cause)
    refusal = _unready(state, group, facts)
    if refusal is not None:
        return state, refusal
    match command:
        case e.MoveGroup():
            return _move(state, group, facts, command.to, cause)
        case e.StartGroup():
            return _start(state, group, facts, command.on, cause)
        case e.RestoreGroup():
            return _restore(state, group, facts)
        case e.StartPart() | e.StopPart():
            return _part(state, group, facts, command, cause)
        case _:
            assert_never(command)


def _unready(state: State, group: Group, facts: GroupFacts) -> Said | None:
    if not state.formed:
        return NOT_FORMED.said()
    return _out_of_reach(state, group, facts)


def _out_of_reach(state: State, group: Group, facts: GroupFacts) -> Said | None:
    if facts.home is not None and state.nodes[facts.home].presence is Presence.AGENT_LOST:
        return HOME_SILENT.said(group=group.name, node=facts.home)
    if facts.home is not None and state.nodes[facts.home].suspended:
        return HOME_SUSPENDED.said(group=group.name, node=facts.home)
    return None


def _move(state: State, group: Group, facts: GroupFacts, to: str | None, cause: Said) -> tuple[State, Said | None]:
    if to is None:
        others = tuple(node for node in destinations(state, group) if node != facts.home)
        if not others:
            return state, NOBODY_USABLE.said(group=group.name)
        to = others[0]
    refusal = _unfit(state, group, to)
    if refusal is None and to == facts.home and facts.wanted is Wanted.UP and not facts.given_up:
        refusal = ALREADY_THERE.said(group=group.name, node=to)
    refusal = refusal or _would_wait(state, group, facts, to)
    return (state, refusal) if refusal else (_send_to(state, group, facts, to, cause), None)


def _would_wait(state: State, group: Group, facts: GroupFacts, to: str) -> Said | None:
    """What runs must not be stopped for a start that waits until an operator has proven something."""
    runs = facts.home is not None and any(hold.status is Status.RUNNING for hold in facts.holds[facts.home])
    lost = takeover.unproven(state, group, to)
    if not runs or lost is None or state.cluster.arbitration.kind == "fence":
        return None
    return WOULD_WAIT.said(group=group.name, node=to, lost=lost)


def _start(state: State, group: Group, facts: GroupFacts, on: str | None, cause: Said) -> tuple[State, Said | None]:
    up = facts.wanted is Wanted.UP and facts.home is not None and not facts.given_up
    if up and on not in (None, facts.home):
        return state, ELSEWHERE.said(group=group.name, node=facts.home or "")
    if up and not facts.parked and (not state.maintenance or facts.ordered or at_rest(state, group)):
        return state, ALREADY_THERE.said(group=group.name, node=facts.home or "")
    if on is None:
        able = destinations(state, group)
        if not able:
            return state, NOBODY_USABLE.said(group=group.name)
        on = facts.home if facts.home in able else able[0]
    refusal = _unfit(state, group, on)
    return (state, refusal) if refusal else (_send_to(state, group, facts, on, cause), None)


def _stop(state: State, group: Group, facts: GroupFacts, cause: Said) -> tuple[State, Said | None]:
    if facts.wanted is not Wanted.UP and all(
        hold.status is Status.STOPPED for holds in facts.holds.values() for hold in holds
    ):
        return state, ALREADY_STOPPED.said(group=group.name)
    refusal = _out_of_reach(state, group, facts)
    for other in state.cluster.groups:
        if any(needed.group == group.name for needed in other.depends_on) and state.groups[other.name].home is not None:
            refusal = refusal or NEEDED.said(group=group.name, other=other.name)
    if refusal is not None:
        return state, refusal
    down = replace(cleared(facts), wanted=Wanted.DOWN, home=None, hindrance=None, ordered=True, because=(cause,))
    return state.with_group(group.name, down), None


def _restore(state: State, group: Group, facts: GroupFacts) -> tuple[State, Said | None]:
    if replace(cleared(facts), recent=()) == facts:
        return state, NOTHING_TO_RESTORE.said(group=group.name)
    return orders.forgive(state.with_group(group.name, replace(cleared(facts), recent=())), group.name), None


def _part(
    state: State, group: Group, facts: GroupFacts, command: e.StartPart | e.StopPart, cause: Said
) -> tuple[State, Said | None]:
    names = tuple(resource.name for resource in group.resources)
    if command.resource not in names:
        return state, NO_RESOURCE.said(resource=command.resource, group=group.name, resources=", ".join(names))
    if facts.home is None or facts.wanted is not Wanted.UP:
        return state, NOT_UP.said(group=group.name, resource=command.resource)
    if isinstance(command, e.StopPart):
        if command.resource in facts.parked:
            return state, PART_STOPPED.said(resource=command.resource)
        parked = replace(facts, parked=(*facts.parked, command.resource), ordered=True, because=(cause,))
        return state.with_group(group.name, parked), None
    needed = _needed(group, names.index(command.resource))
    left = tuple(name for name in facts.parked if names.index(name) not in needed)
    if left == facts.parked and not facts.given_up:
        return state, PART_STARTED.said(resource=command.resource)
    started = replace(cleared(facts), parked=left, ordered=True, because=(cause,))
    return orders.forgive(state.with_group(group.name, started), group.name), None


def _needed(group: Group, place: int) -> tuple[int, ...]:
    """The places of a resource and of all that it stands on."""
    return (place, *(below for needed in group.needs[place] for below in _needed(group, needed)))


def _confirm_gone(state: State, command: e.ConfirmGone, origin: str) -> tuple[State, Said | None]:
    node = command.node
    if node not in state.nodes:
        return state, NO_SUCH_NODE.said(node=node)
    facts = state.nodes[node]
    if facts.presence not in (Presence.LOST, Presence.UNSEEN):
        return state, NOT_LOST.said(node=node, presence=facts.presence)
    if command.epoch != state.epoch:
        # A word belongs to one loss: the node may have been back and at work since the operator looked.
        return state, OUTDATED_WORD.said(node=node)
    gone = replace(facts, presence=Presence.GONE, proof=Proof.OPERATOR, fence="", fence_by="", fence_wait="")
    return state.with_node(node, gone).noting(CONFIRMED.said(node=node, origin=origin)), None


def _unfit(state: State, group: Group, node: str) -> Said | None:
    if node not in state.nodes:
        return NO_SUCH_NODE.said(node=node)
    if node not in group.nodes:
        return NOT_STARTABLE.said(group=group.name, node=node, nodes=", ".join(group.nodes))
    if not admits(state, group, node):
        return NOT_WITH.said(group=group.name, node=node)
    if not usable(state, node):
        facts = state.nodes[node]
        presence = "suspended" if facts.suspended else "leaving" if facts.leaving else facts.presence
        return NOT_USABLE.said(node=node, group=group.name, presence=presence)
    return None


def _send_to(state: State, group: Group, facts: GroupFacts, node: str, cause: Said) -> State:
    facts = replace(cleared(facts), wanted=Wanted.UP, ordered=True, recent=())
    return orders.forgive(state.with_group(group.name, settled_on(state, facts, node, (cause,))), group.name)
