"""Operators' requests about nodes, monitors and the cluster as a whole (C10): each asks for a state, not for a change.

What is already so is a success that says so.
"""

from typing import assert_never

from komainu.core import endings, rights, suspension
from komainu.core.state import Presence, State, Status, Watch
from komainu.model import answers, commands as c
from komainu.model.copies import replace
from komainu.model.message import Said

NodeOrder = c.SuspendNode | c.ResumeNode | c.StopNode
MonitorOrder = c.SuspendMonitor | c.ResumeMonitor | c.SimulateFailure
Answer = tuple[State, Said | None]


def obey(state: State, command: NodeOrder | MonitorOrder | c.SetMaintenance) -> Answer:
    """The changed facts; or why nothing changes."""
    match command:
        case c.SetMaintenance():
            return _maintenance(state, command.on)
        case c.SuspendNode() | c.ResumeNode() | c.StopNode():
            return _on_nodes(state, command)
        case c.SuspendMonitor() | c.ResumeMonitor() | c.SimulateFailure():
            return _on_monitor(state, command)
        case _:
            assert_never(command)


def forgive(state: State, group: str) -> State:
    """What monitors have counted against the group is forgotten (C8)."""
    for monitor in state.cluster.monitors:
        if monitor.recovery.target.group == group:
            facts = state.monitor(monitor.name)
            on = {node: replace(watch, restarts=0, ended=False) for node, watch in facts.on.items()}
            state = state.with_monitor(monitor.name, replace(facts, failovers=0, on=on))
    return state


def _maintenance(state: State, on: bool) -> Answer:
    if state.maintenance == on:
        return state, answers.UNCHANGED.said()
    groups = {name: replace(facts, ordered=False) for name, facts in state.groups.items()}
    state = replace(state, maintenance=on, groups=groups)
    return state.noting((answers.IN_MAINTENANCE if on else answers.MAINTENANCE_OVER).said()), None


def _on_nodes(state: State, command: NodeOrder) -> Answer:
    if command.node is not None and command.node not in state.nodes:
        return state, answers.NO_NODE.said(node=command.node, nodes=", ".join(state.nodes))
    chosen = state.members() if command.node is None else (command.node,)
    if command.node is None and isinstance(command, c.ResumeNode):
        chosen = tuple(state.nodes)
    if state.cluster.arbitration.limited and not isinstance(command, c.StopNode):
        on = isinstance(command, c.SuspendNode)
        if command.node is None and (on or state.suspension is not None):
            return suspension.ask(state, on)
        refusal = _bound(state, command)
        if refusal is not None:
            return state, refusal
    after = state
    for node in chosen:
        facts = after.nodes[node]
        if isinstance(command, c.ResumeNode):
            # The one order that can wait for its node: it holds when it returns.
            if facts.suspended:
                after = after.with_node(node, replace(facts, suspended=False)).noting(answers.RESUMED.said(node=node))
            continue
        if facts.presence is not Presence.MEMBER:
            return state, answers.NOT_THERE.said(node=node, presence=facts.presence)
        if isinstance(command, c.SuspendNode) and not (facts.suspended or facts.leaving):
            after = after.with_node(node, replace(facts, suspended=True)).noting(answers.SUSPENDED.said(node=node))
        elif isinstance(command, c.StopNode) and (facts.forced or facts.ended or facts.dismissed):
            continue  # it is on its way out, and nothing softens that
        elif isinstance(command, c.StopNode) and command.node is not None and rights.would_stop_others(after, node):
            return state, answers.LAST_OF_MAJORITY.said(node=node)
        elif isinstance(command, c.StopNode) and not (facts.leaving and facts.then == command.then):
            after = endings.depart(after, node, command.then)
    return (after, None) if after is not state else (state, answers.UNCHANGED.said())


def _bound(state: State, command: c.SuspendNode | c.ResumeNode) -> Said | None:
    """Why one node alone cannot be suspended or resumed, where rights are limited."""
    node = command.node
    if node is None:
        return None
    if state.suspension is not None:
        return answers.WHOLE.said()
    holds = {name: facts.holds.get(node, ()) for name, facts in state.groups.items()}
    runs = [name for name, each in holds.items() if any(hold.status is not Status.STOPPED for hold in each)]
    if isinstance(command, c.SuspendNode) and runs:
        return answers.NOT_ALONE.said(node=node, groups=", ".join(runs))
    return None


def _on_monitor(state: State, command: MonitorOrder) -> Answer:
    nodes = state.cluster.nodes_of_monitor(command.monitor)
    if not nodes:
        return state, answers.NO_MONITOR.said(monitor=command.monitor)
    if command.node is not None and command.node not in nodes:
        return state, answers.NO_NODE.said(node=command.node, nodes=", ".join(nodes))
    chosen = nodes if command.node is None else (command.node,)
    facts = state.monitor(command.monitor)
    if isinstance(command, c.SimulateFailure):
        after = replace(facts, simulated=_with(nodes, facts.simulated, chosen, command.on))
    else:
        wanted = isinstance(command, c.SuspendMonitor)
        after = replace(facts, suspended=_with(nodes, facts.suspended, chosen, wanted))
        if not wanted:
            after = replace(after, on={node: _rested(watch, node in chosen) for node, watch in after.on.items()})
    return (state.with_monitor(command.monitor, after), None) if after != facts else (state, answers.UNCHANGED.said())


def _with(nodes: tuple[str, ...], marked: tuple[str, ...], chosen: tuple[str, ...], on: bool) -> tuple[str, ...]:
    return tuple(node for node in nodes if (on if node in chosen else node in marked))


def _rested(watch: Watch, again: bool) -> Watch:
    return replace(watch, restarts=0, ended=False) if again else watch
