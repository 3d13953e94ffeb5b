"""Another configuration comes into force: on all members at the same place in the order, or not at all (C11).

Every member judges it and writes it down; then what may not go on under it is stopped, as the old one says; then it
holds. Whatever disturbs that (a member that objects, goes or comes, a stop that fails) ends the attempt: the old
configuration goes on as if nothing had been. A member that was away gets the one in force with the state.
"""

from komainu.core import rights
from komainu.core.recovery import cleared
from komainu.core.state import ADDED, Change, GroupFacts, Hold, MonitorFacts, Presence, State, Status, unknown
from komainu.model import answers, commands as c, events as e
from komainu.model.actions import AnswerCommand, JudgeConfiguration
from komainu.model.config import Cluster, Group
from komainu.model.copies import replace
from komainu.model.difference import arbitration_differs, divides, gains, keeps_majority, restarting
from komainu.model.message import Message, Said
from komainu.model.signature import signed

JUDGE_MS = 60_000
"How long the members may take to judge a configuration."

IN_FORCE = Message(
    "KM7121",
    "Configuration version {version} is in force ({by}).",
    "構成情報 第 {version} 版を適用しました ({by})。",
)
ABANDONED = Message(
    "KM7122",
    "Configuration version {version} was not applied, the old one stays in force; what stopped starts again: {reason}",
    "構成情報 第 {version} 版は適用されず、以前の版が有効なままです (停止したものは再び起動します): {reason}",
    "error",
)
MEMBERS_CHANGED = Message(
    "KM7123",
    "a node came or went meanwhile. Apply it again.",
    "適用中にノードの参加または離脱がありました。もう一度適用してください。",
)
TOOK_TOO_LONG = Message(
    "KM7124",
    "not all nodes answered in time. See `komainu status`, then apply it again.",
    "一部のノードが時間内に応答しませんでした。`komainu status` を確認し、もう一度適用してください。",
)
DOES_NOT_STOP = Message(
    "KM7125",
    "{resource} has to stop for it and does not. Mend that, then apply it again.",
    "停止が必要な {resource} を停止できません。原因を取り除いてから、もう一度適用してください。",
)


def propose(state: State, event: e.CommandGiven, command: c.ChangeConfiguration) -> tuple[State, Said | None]:
    """Ask every member to judge it."""
    refusal = _refusal(state, command.cluster)
    if refusal is not None:
        return state, refusal
    state, number = state.numbered()
    change = Change(number, event.origin, event.id, command.cluster, command.who, command.why)
    about = (command.cluster, event.origin, command.who, command.why, command.text)
    asked = (JudgeConfiguration(number, node, *about) for node in state.members())
    return replace(state, change=change).doing(*asked), None


def judged(state: State, event: e.ConfigurationJudged) -> State:
    """A member agrees or objects."""
    change = state.change
    if change is None or change.id != event.change or event.node in change.agreed:
        return state
    if event.refusals:
        state = state.noting(*event.refusals)
        return abandon(state, event.refusals[0])
    return replace(state, change=replace(change, agreed=(*change.agreed, event.node)))


def abandon(state: State, reason: Said) -> State:
    """The old configuration goes on, and what was stopped for the new one starts again."""
    change = state.change
    if change is None:
        return state
    said = ABANDONED.said(version=change.cluster.version, reason=reason)
    groups = {name: _marked(facts, {}) for name, facts in state.groups.items()}
    # Others may have seen everybody agree: then it is in force there.
    doubtful = reason.code == MEMBERS_CHANGED.code and divides(state.cluster, change.cluster)
    state = replace(state, undecided=state.undecided or doubtful)
    answer = AnswerCommand(change.command, change.origin, False, said)
    return replace(state, change=None, groups=groups).doing(answer).noting(said)


def settle(state: State) -> State:
    """Stop what may not go on, once all agree; put it in force once that has stopped."""
    change = state.change
    if change is None or any(node not in change.agreed for node in state.members()):
        return state
    for group in state.cluster.groups:
        facts = _marked(state.groups[group.name], restarting(group, state.cluster, change.cluster))
        state = state if facts is state.groups[group.name] else state.with_group(group.name, facts)
        for node, holds in facts.holds.items():
            for resource, hold in zip(group.resources, holds, strict=True):
                held = hold.status is not Status.STOPPED and state.nodes[node].suspended
                if hold.outdated and (held or hold.status is Status.STUCK):
                    return abandon(state, DOES_NOT_STOP.said(resource=resource.name))
    outdated = (h for facts in state.groups.values() for holds in facts.holds.values() for h in holds if h.outdated)
    return state if any(hold.status is not Status.STOPPED for hold in outdated) else _in_force(state, change)


def _refusal(state: State, cluster: Cluster) -> Said | None:
    old = state.cluster
    if state.change is not None:
        return answers.ANOTHER.said()
    if state.suspension is not None:
        return answers.WHOLE.said()
    if (cluster.name, cluster.environment) != (old.name, old.environment):
        return answers.OTHER_CLUSTER.said()
    if cluster.version != old.version + 1:
        return answers.OUTDATED.said(made=cluster.version - 1, now=old.version)
    if arbitration_differs(old, cluster) and not rights.together(state):
        return answers.ONLY_TOGETHER.said()
    if not keeps_majority(old, cluster):
        return answers.NO_MAJORITY_LEFT.said()
    away = tuple(name for name, facts in state.nodes.items() if facts.presence in (Presence.LOST, Presence.UNSEEN))
    for group in old.groups:
        marks = restarting(group, old, cluster)
        for node in group.nodes:
            if node in away and any(marks[node]):
                return answers.MAY_RUN.said(group=group.name, node=node)
    kept = tuple(node.name for node in cluster.nodes)
    for name, facts in state.nodes.items():
        if facts.presence in (Presence.JOINING, Presence.AGENT_LOST):
            return answers.NOT_NOW.said(node=name)
        if name not in kept and not facts.proven_gone:
            return answers.STILL_THERE.said(node=name, presence=facts.presence)
    return None


def _marked(facts: GroupFacts, outdated: dict[str, tuple[bool, ...]]) -> GroupFacts:
    """The facts with exactly those holds marked as outdated; the same object when they are already."""
    holds = {
        node: tuple(
            replace(hold, outdated=mark)
            for hold, mark in zip(holds, outdated.get(node, (False,) * len(holds)), strict=True)
        )
        for node, holds in facts.holds.items()
    }
    if holds == facts.holds:
        return facts
    return replace(facts, holds=holds, ordered=facts.ordered or bool(outdated))


def _in_force(state: State, change: Change) -> State:
    before, cluster, old = state, change.cluster, state.cluster
    said = IN_FORCE.said(version=cluster.version, by=signed(change.who, change.why))
    nodes = {node.name: state.nodes.get(node.name, ADDED) for node in cluster.nodes}
    groups = {}
    for group in cluster.groups:
        known = state.groups.get(group.name)
        groups[group.name] = unknown(group) if known is None else _carried(known, old.group(group.name), group)
    for name, facts in nodes.items():
        if gains(old, cluster, name):
            nodes[name] = replace(facts, probed=False, probe="")
    longer = old.arbitration.wait_ms > cluster.arbitration.wait_ms
    floor_ms = max(state.floor_ms, old.arbitration.wait_ms) if longer or state.floor_ms else 0
    state = replace(state, cluster=cluster, nodes=nodes, groups=groups, monitors={}, change=None, floor_ms=floor_ms)
    for name, known_of in before.monitors.items():
        state = state.with_monitor(name, _kept(known_of, name, old, cluster))
    return state.doing(AnswerCommand(change.command, change.origin, True, said)).noting(said)


def _carried(facts: GroupFacts, old: Group, new: Group) -> GroupFacts:
    """What is known of the group, for its new resources and startable nodes; what changed gets another chance."""
    facts = facts if new == old else replace(cleared(facts), parked=facts.parked)
    places = {resource.name: place for place, resource in enumerate(old.resources)}
    holds = {
        node: tuple(
            replace(facts.holds[node][places[each.name]], outdated=False)
            if node in facts.holds and each.name in places
            else Hold()
            for each in new.resources
        )
        for node in new.nodes
    }
    home = facts.home if facts.home in new.nodes else None
    parked = tuple(name for name in facts.parked if name in (each.name for each in new.resources))
    barred = tuple(node for node in facts.barred if node in new.nodes)
    return replace(facts, holds=holds, home=home, parked=parked, barred=barred)


def _kept(facts: MonitorFacts, name: str, old: Cluster, new: Cluster) -> MonitorFacts:
    """What an operator wished of a monitor stays; what it found stays if it is the same as before."""
    same = [each for each in new.monitors if each.name == name and each in old.monitors]
    nodes = new.nodes_of_monitor(name)
    suspended = tuple(node for node in facts.suspended if node in nodes)
    simulated = tuple(node for node in facts.simulated if node in nodes)
    return replace(facts if same else MonitorFacts(), suspended=suspended, simulated=simulated)
