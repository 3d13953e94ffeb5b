"""Operators' requests: accepted as a change of facts, or refused with the reason and the remedy (C10)."""

from typing import assert_never

from komainu.core import change, orders, takeover
from komainu.core.destination import admits, at_rest, destinations, settled_on, usable
from komainu.core.recovery import cleared
from komainu.core.state import GroupFacts, Presence, Proof, State, Status, Wanted
from komainu.model import answers, commands as c, events as e
from komainu.model.actions import AnswerCommand
from komainu.model.config import Group
from komainu.model.copies import replace
from komainu.model.message import Said


def obey(state: State, event: e.CommandGiven, cause: Said, rules: int) -> State:
    """Carry a command into the facts and answer it."""
    changed, refusal = _judge(state, event, cause, rules)
    if refusal is None and isinstance(event.command, c.ChangeConfiguration):
        return changed  # it is answered once the configuration is in force, or is not going to be
    accepted = refusal is None or refusal.level == "info"
    return changed.doing(AnswerCommand(event.id, event.origin, accepted, refusal or answers.ACCEPTED.said()))


def _judge(state: State, event: e.CommandGiven, cause: Said, rules: int) -> tuple[State, Said | None]:
    """The changed facts; or why nothing changes: said as information when all is already as it was asked for."""
    command = event.command
    match command:
        case c.ConfirmGone():
            return _confirm_gone(state, command, event.origin)
        case c.MoveGroup() | c.StartGroup() | c.StopGroup():
            return _on_group(state, command, cause)
        case c.ResumeNode() | c.ResumeMonitor() | c.SetMaintenance(on=False) | c.SimulateFailure(on=False):
            return orders.obey(state, command)  # what can be ended must not be kept up by an old member that returns
        case _ if rules < 2:
            return state, answers.TOO_OLD.said()
        case c.ChangeConfiguration():
            return change.propose(state, event, command)
        case c.RestoreGroup() | c.StartPart() | c.StopPart():
            return _on_group(state, command, cause)
        case _:
            return orders.obey(state, command)


GroupCommand = c.MoveGroup | c.StartGroup | c.StopGroup | c.RestoreGroup | c.StartPart | c.StopPart


def _on_group(state: State, command: GroupCommand, cause: Said) -> tuple[State, Said | None]:
    if command.group not in state.groups:
        return state, answers.NO_GROUP.said(group=command.group)
    group, facts = state.cluster.group(command.group), state.groups[command.group]
    if isinstance(command, c.StopGroup):
        return _stop(state, group, facts, cause)
    refusal = _unready(state, group, facts)
    if refusal is not None:
        return state, refusal
    match command:
        case c.MoveGroup():
            return _move(state, group, facts, command.to, cause)
        case c.StartGroup():
            return _start(state, group, facts, command.on, cause)
        case c.RestoreGroup():
            return _restore(state, group, facts)
        case c.StartPart() | c.StopPart():
            return _part(state, group, facts, command, cause)
        case _:
            assert_never(command)


def _unready(state: State, group: Group, facts: GroupFacts) -> Said | None:
    if not state.formed:
        return answers.NOT_FORMED.said()
    return _out_of_reach(state, group, facts)


def _out_of_reach(state: State, group: Group, facts: GroupFacts) -> Said | None:
    if facts.home is not None and state.nodes[facts.home].presence is Presence.AGENT_LOST:
        return answers.HOME_SILENT.said(group=group.name, node=facts.home)
    if facts.home is not None and state.nodes[facts.home].suspended:
        return answers.HOME_SUSPENDED.said(group=group.name, node=facts.home)
    return None


def _move(state: State, group: Group, facts: GroupFacts, to: str | None, cause: Said) -> tuple[State, Said | None]:
    if to is None:
        others = tuple(node for node in destinations(state, group) if node != facts.home)
        if not others:
            return state, answers.NOBODY_USABLE.said(group=group.name)
        to = others[0]
    refusal = _unfit(state, group, to)
    if refusal is None and to == facts.home and facts.wanted is Wanted.UP and not facts.given_up:
        refusal = answers.ALREADY_THERE.said(group=group.name, node=to)
    refusal = refusal or _would_wait(state, group, facts, to)
    return (state, refusal) if refusal else (_send_to(state, group, facts, to, cause), None)


def _would_wait(state: State, group: Group, facts: GroupFacts, to: str) -> Said | None:
    """What runs must not be stopped for a start that waits until an operator has proven something."""
    runs = facts.home is not None and any(hold.status is Status.RUNNING for hold in facts.holds[facts.home])
    lost = takeover.unproven(state, group, to)
    if not runs or lost is None or state.cluster.arbitration.fence is not None:
        return None
    return answers.WOULD_WAIT.said(group=group.name, node=to, lost=lost)


def _start(state: State, group: Group, facts: GroupFacts, on: str | None, cause: Said) -> tuple[State, Said | None]:
    up = facts.wanted is Wanted.UP and facts.home is not None and not facts.given_up
    if up and on not in (None, facts.home):
        return state, answers.ELSEWHERE.said(group=group.name, node=facts.home or "")
    if up and not facts.parked and (not state.maintenance or facts.ordered or at_rest(state, group)):
        return state, answers.ALREADY_THERE.said(group=group.name, node=facts.home or "")
    if on is None:
        able = destinations(state, group)
        if not able:
            return state, answers.NOBODY_USABLE.said(group=group.name)
        on = facts.home if facts.home in able else able[0]
    refusal = _unfit(state, group, on)
    return (state, refusal) if refusal else (_send_to(state, group, facts, on, cause), None)


def _stop(state: State, group: Group, facts: GroupFacts, cause: Said) -> tuple[State, Said | None]:
    if facts.wanted is not Wanted.UP and all(
        hold.status is Status.STOPPED for holds in facts.holds.values() for hold in holds
    ):
        return state, answers.ALREADY_STOPPED.said(group=group.name)
    refusal = _out_of_reach(state, group, facts)
    for other in state.cluster.groups:
        if any(needed.group == group.name for needed in other.depends_on) and state.groups[other.name].home is not None:
            refusal = refusal or answers.NEEDED.said(group=group.name, other=other.name)
    if refusal is not None:
        return state, refusal
    down = replace(cleared(facts), wanted=Wanted.DOWN, home=None, hindrance=None, ordered=True, because=(cause,))
    return state.with_group(group.name, down), None


def _restore(state: State, group: Group, facts: GroupFacts) -> tuple[State, Said | None]:
    if replace(cleared(facts), recent=()) == facts:
        return state, answers.NOTHING_TO_RESTORE.said(group=group.name)
    return orders.forgive(state.with_group(group.name, replace(cleared(facts), recent=())), group.name), None


def _part(
    state: State, group: Group, facts: GroupFacts, command: c.StartPart | c.StopPart, cause: Said
) -> tuple[State, Said | None]:
    names = tuple(resource.name for resource in group.resources)
    if command.resource not in names:
        return state, answers.NO_RESOURCE.said(resource=command.resource, group=group.name, resources=", ".join(names))
    if facts.home is None or facts.wanted is not Wanted.UP:
        return state, answers.NOT_UP.said(group=group.name, resource=command.resource)
    if isinstance(command, c.StopPart):
        if command.resource in facts.parked:
            return state, answers.PART_STOPPED.said(resource=command.resource)
        parked = replace(facts, parked=(*facts.parked, command.resource), ordered=True, because=(cause,))
        return state.with_group(group.name, parked), None
    needed = _needed(group, names.index(command.resource))
    left = tuple(name for name in facts.parked if names.index(name) not in needed)
    if left == facts.parked and not facts.given_up:
        return state, answers.PART_STARTED.said(resource=command.resource)
    started = replace(cleared(facts), parked=left, ordered=True, because=(cause,))
    return orders.forgive(state.with_group(group.name, started), group.name), None


def _needed(group: Group, place: int) -> tuple[int, ...]:
    """The places of a resource and of all that it stands on."""
    return (place, *(below for needed in group.needs[place] for below in _needed(group, needed)))


def _confirm_gone(state: State, command: c.ConfirmGone, origin: str) -> tuple[State, Said | None]:
    node = command.node
    if node not in state.nodes:
        return state, answers.NO_NODE.said(node=node, nodes=", ".join(state.nodes))
    facts = state.nodes[node]
    # Where rights are limited the word gives one without the vote: also about a node that is proven gone already.
    proven = facts.presence is Presence.GONE and facts.proof is not Proof.OPERATOR and state.cluster.arbitration.limited
    if facts.presence not in (Presence.LOST, Presence.UNSEEN) and not proven:
        return state, answers.NOT_LOST.said(node=node, presence=facts.presence)
    if command.epoch != state.epoch:
        # A word belongs to one loss: the node may have been back and at work since the operator looked.
        return state, answers.OUTDATED_WORD.said(node=node)
    gone = replace(facts, presence=Presence.GONE, proof=Proof.OPERATOR, fence="", fence_by="", fence_wait="")
    return state.with_node(node, gone).noting(answers.CONFIRMED.said(node=node, origin=origin)), None


def _unfit(state: State, group: Group, node: str) -> Said | None:
    if node not in state.nodes:
        return answers.NO_NODE.said(node=node, nodes=", ".join(state.nodes))
    if node not in group.nodes:
        return answers.NOT_STARTABLE.said(group=group.name, node=node, nodes=", ".join(group.nodes))
    if not admits(state, group, node):
        return answers.NOT_WITH.said(group=group.name, node=node)
    if not usable(state, node):
        facts = state.nodes[node]
        presence = "suspended" if facts.suspended else "leaving" if facts.leaving else facts.presence
        return answers.NOT_USABLE.said(node=node, group=group.name, presence=presence)
    return None


def _send_to(state: State, group: Group, facts: GroupFacts, node: str, cause: Said) -> State:
    facts = replace(cleared(facts), wanted=Wanted.UP, ordered=True, recent=())
    return orders.forgive(state.with_group(group.name, settled_on(state, facts, node, (cause,))), group.name)
