"""Operators' requests: accepted as a change of facts, or refused with the reason and the remedy (C10)."""

from dataclasses import replace
from typing import assert_never

from komainu.core import events as e
from komainu.core import takeover
from komainu.core.actions import AnswerCommand
from komainu.core.placement import settled_on, usable
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

MESSAGES = (
    ACCEPTED, NO_GROUP, NO_SUCH_NODE, NOT_STARTABLE, NOT_USABLE, NOBODY_USABLE, ALREADY_THERE, ALREADY_STOPPED,
    NOT_FORMED, HOME_SILENT, NOT_LOST, WOULD_WAIT, OUTDATED_WORD, CONFIRMED,
)  # fmt: skip


def obey(state: State, event: e.CommandGiven, cause: Said) -> State:
    """Carry a command into the facts and answer it."""
    changed, refusal = _judge(state, event, cause)
    answer = AnswerCommand(event.id, event.origin, refusal is None, refusal or ACCEPTED.said())
    return replace(changed, notes=(*changed.notes, answer))


def _judge(state: State, event: e.CommandGiven, cause: Said) -> tuple[State, Said | None]:
    command = event.command
    if isinstance(command, e.ConfirmGone):
        return _confirm_gone(state, command, event.origin)
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
        case _:
            assert_never(command)


def _unready(state: State, group: Group, facts: GroupFacts) -> Said | None:
    if not state.formed:
        return NOT_FORMED.said()
    if facts.home is not None and state.nodes[facts.home].presence is Presence.AGENT_LOST:
        return HOME_SILENT.said(group=group.name, node=facts.home)
    return None


def _move(state: State, group: Group, facts: GroupFacts, to: str | None, cause: Said) -> tuple[State, Said | None]:
    if to is None:
        others = tuple(node for node in group.nodes if node != facts.home and usable(state, node))
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
    if facts.wanted is Wanted.UP and facts.home is not None and not facts.given_up:
        return state, ALREADY_THERE.said(group=group.name, node=facts.home)
    if on is None:
        able = tuple(node for node in group.nodes if usable(state, node))
        if not able:
            return state, NOBODY_USABLE.said(group=group.name)
        on = able[0]
    refusal = _unfit(state, group, on)
    return (state, refusal) if refusal else (_send_to(state, group, facts, on, cause), None)


def _stop(state: State, group: Group, facts: GroupFacts, cause: Said) -> tuple[State, Said | None]:
    if facts.wanted is not Wanted.UP and all(
        hold.status is Status.STOPPED for holds in facts.holds.values() for hold in holds
    ):
        return state, ALREADY_STOPPED.said(group=group.name)
    if facts.home is not None and state.nodes[facts.home].presence is Presence.AGENT_LOST:
        return state, HOME_SILENT.said(group=group.name, node=facts.home)
    return state.with_group(group.name, replace(_cleared(facts), wanted=Wanted.DOWN, because=(cause,))), None


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
    if not usable(state, node):
        return NOT_USABLE.said(node=node, group=group.name, presence=state.nodes[node].presence)
    return None


def _send_to(state: State, group: Group, facts: GroupFacts, node: str, cause: Said) -> State:
    facts = replace(_cleared(facts), wanted=Wanted.UP)
    return state.with_group(group.name, settled_on(state, facts, node, (cause,)))


def _cleared(facts: GroupFacts) -> GroupFacts:
    holds = {
        node: tuple(replace(hold, start_failures=0, restarts=0) for hold in holds)
        for node, holds in facts.holds.items()
    }
    return replace(facts, holds=holds, barred=(), failovers=0, given_up=False)
