"""What would happen: the real core, on events that nobody has seen. Pure and deterministic; it changes nothing.

Outcomes are assumed to succeed, and at once; timers fire in order. So the times of a course are the configured waits
alone: what starts and stops take comes on top. A timer that is armed already is given its whole length.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from komainu.agent.shown import words
from komainu.agent.shown.deadlines import deadline
from komainu.agent.shown.pending import Pending, pending
from komainu.core.audit import InvariantBroken
from komainu.core.state import RULES, Presence, State, Status, Wanted, initial
from komainu.core.step import step
from komainu.model import commands as c, events as e
from komainu.model.actions import Action, EndNode
from komainu.model.causes import headline
from komainu.model.config import Cluster, Monitor
from komainu.model.message import Message, Said
from komainu.model.outcome import SUCCEEDED, Result, failed

MOST_EVENTS = 2_000
MOST_MS = 7 * 24 * 3_600_000
"A course that has not come to rest by then is told as far as it went."

IMAGINED = Message("KM5481", "Imagined: {what} is in error.", "仮定: {what} が異常です。", "error")
DONE = Message("KM5482", "{what}: assumed to succeed", "{what}: 成功と仮定")
OVER = Message("KM5483", "The wait is over: {what}", "待ち時間経過: {what}")
NOT_PRESENT = Message(
    "KM5484",
    "Node {node} is not there now ({presence}): it cannot be lost.",
    "ノード {node} は現在参加していないため ({presence})、通信不能にはなりません。",
    "error",
)
PRESENT = Message(
    "KM5485",
    "Node {node} is there already ({presence}): it cannot return.",
    "ノード {node} は既に参加しているため ({presence})、復帰することはありません。",
    "error",
)
NOBODY_LEFT = Message(
    "KM5486",
    "No member would be left that could decide anything.",
    "判断を行うメンバーが残りません。",
    "error",
)
NOT_RUNNING = Message(
    "KM5487",
    "Resource {resource} does not run anywhere now, so it cannot fail.",
    "リソース {resource} は現在どこでも動作していないため、異常になることはありません。",
    "error",
)
NOT_CHECKING = Message(
    "KM5488",
    "Monitor {monitor} does not check there now: `komainu status {monitor}` says why.",
    "モニタ {monitor} は現在そこでは監視していません。理由は `komainu status {monitor}` で確認できます。",
    "error",
)
WOULD_BREAK = Message(
    "KM5489",
    "Here the core refuses to go on: {what}. This is a defect; please report it.",
    "ここで中核部が続行を拒否しました: {what}。不具合ですので報告してください。",
    "error",
)

_HERE = (Presence.MEMBER, Presence.JOINING, Presence.AGENT_LOST)


class Unanswerable(Exception):
    """It cannot happen as things are; `said` says why."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.en)
        self.said = said


@dataclass(frozen=True, slots=True)
class NodesLost:
    """These nodes lose their power at the same moment."""

    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DaemonsLost:
    """The daemons of these nodes end, and do not come back."""

    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NodeReturns:
    """A node that is away comes back; nothing runs on it."""

    node: str


@dataclass(frozen=True, slots=True)
class ResourceFails:
    """The check of a running resource finds an error, and again each time it runs anew, so often in all."""

    group: str
    resource: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class MonitorFails:
    """A monitor of its own finds an error, so often on each node: on one, or wherever it checks."""

    monitor: str
    node: str | None = None
    times: int = 1


@dataclass(frozen=True, slots=True)
class Ordered:
    """An operator gives this command on a node."""

    command: c.Command
    origin: str


Question = NodesLost | DaemonsLost | NodeReturns | ResourceFails | MonitorFails | Ordered


@dataclass(frozen=True, slots=True)
class Moment:
    """One step of a course."""

    at_ms: int
    "Configured waits since the beginning."
    event: e.Event
    told: Said
    "The event in words."
    assumed: bool
    "An outcome that was assumed, or a timer; otherwise it is what was asked."
    actions: tuple[Action, ...]
    changes: tuple[words.Change, ...]
    state: State
    "After it."


def course(state: State, question: Question) -> Iterator[Moment]:
    """Everything that would follow, up to rest, one step at a time. Raises Unanswerable before the first of them.

    It ends at MOST_EVENTS or MOST_MS when it does not come to rest.
    """
    world = _World(state)
    match question:
        case NodesLost():
            world.lose(question.nodes, powerless=True)
        case DaemonsLost():
            world.lose(question.nodes, powerless=False)
        case NodeReturns():
            world.bring_back(question.node)
        case ResourceFails():
            world.fail_resource(question.group, question.resource, question.times)
        case MonitorFails():
            world.fail_monitor(state.cluster.monitor(question.monitor), question.node, question.times)
        case Ordered():
            world.soon(e.CommandGiven("what-if", question.origin, question.command))
    return world.follow()


def formed(cluster: Cluster) -> State:
    """A cluster of that configuration in which every node is there and every group runs."""
    names = tuple(node.name for node in cluster.nodes)
    world = _World(initial(cluster))
    world.soon(e.ViewChanged("what-if", names, names))
    members = tuple(e.Member(name, f"{name}.1", RULES, 0, False) for name in names)
    world.soon(e.MembersSynced("what-if", names[0], members))
    state = _last(world.follow(), world.state)
    for group in cluster.groups:
        if state.groups[group.name].wanted is not Wanted.UP:
            state = _last(course(state, Ordered(c.StartGroup(group.name, None), names[0])), state)
    return state


def _last(moments: Iterator[Moment], state: State) -> State:
    for moment in moments:
        state = moment.state
    return state


_Happening = tuple[e.Event, Said | None]
"""An event, and words of its own when it is assumed."""
_Due = Callable[[], _Happening | None]
"""Makes an event at its time, from what is so then; None when it has no meaning any more."""


class _World:
    """A state, and what surrounds it: assumed to do at once, and with success, whatever it is asked."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._now_ms = 0
        self._number = 0
        self._queue: deque[_Happening] = deque()
        self._later: list[tuple[int, int, _Due]] = []
        self._seen: dict[str, None] = {}
        "What was answered already."
        self._armed: dict[str, int] = {}
        "The armed timers, each with a number that no other arming has."
        self._rounds = {
            (name, node): watch.round for name, facts in state.monitors.items() for node, watch in facts.on.items()
        }
        self._failing: tuple[str, str] | None = None
        self._times = 0
        "How often more that resource fails."
        self._failed_run = ""
        self._errors: dict[tuple[str, str], int] = {}
        "How often more a monitor finds an error on a node."

    # --- what is asked ---------------------------------------------------------------------------------------------

    def soon(self, event: e.Event, told: Said | None = None) -> None:
        """It happens next; with words of its own it is assumed."""
        self._queue.append((event, told))

    def lose(self, nodes: tuple[str, ...], *, powerless: bool) -> None:
        """Nodes go, or only their daemons."""
        for name in nodes:
            presence = self.state.nodes[name].presence
            if presence not in _HERE:
                raise Unanswerable(NOT_PRESENT.said(node=name, presence=presence))
        if all(name in nodes for name in self.state.members()):
            raise Unanswerable(NOBODY_LEFT.said())
        after_ms = self.state.cluster.detect_within_ms if powerless else 0
        self._at(after_ms, lambda: (self._view_without(nodes, of_ring=powerless), None))

    def bring_back(self, node: str) -> None:
        """A node comes with its own history, and is probed."""
        presence, before = self.state.nodes[node].presence, self.state.members()
        if presence in _HERE:
            raise Unanswerable(PRESENT.said(node=node, presence=presence))
        if not before:
            raise Unanswerable(NOBODY_LEFT.said())
        ring, members = self._ring(), tuple(name for name in self.state.nodes if name in before or name == node)
        there = tuple(name for name in self.state.nodes if name in self._there() or name == node)
        self.soon(e.ViewChanged(ring, members, there))
        facts = self.state.nodes
        told = tuple(
            e.Member(name, ring, RULES, 0, False)
            if name == node
            else e.Member(name, facts[name].incarnation, facts[name].rules, self.state.epoch, True)
            for name in members
        )
        self.soon(e.MembersSynced(ring, before[0], told))

    def fail_resource(self, group: str, resource: str, times: int) -> None:
        """A running resource fails."""
        self._failing, self._times = (group, resource), times
        if self._target() is None:
            raise Unanswerable(NOT_RUNNING.said(resource=resource))

    def fail_monitor(self, monitor: Monitor, node: str | None, times: int) -> None:
        """A monitor finds errors."""
        nodes, on = monitor.nodes if node is None else (node,), self.state.monitor(monitor.name).on
        self._errors = {(monitor.name, name): times for name in nodes}
        checking = [name for name in nodes if name in on and on[name].round]
        if not checking:
            raise Unanswerable(NOT_CHECKING.said(monitor=monitor.name))
        for name in checking:
            self._check(monitor.name, name, on[name].round, 0)

    # --- what follows ----------------------------------------------------------------------------------------------

    def follow(self) -> Iterator[Moment]:
        """One step after the other, until nothing is under way or waited for."""
        self._react()
        before = words.summary(self.state)
        for _ in range(MOST_EVENTS):
            found = self._next()
            if found is None:
                return
            event, told = found
            try:
                done = step(self.state, event, _rules(self.state, event))
            except InvariantBroken as error:
                yield Moment(self._now_ms, event, WOULD_BREAK.said(what=str(error)), True, (), (), self.state)
                return
            earlier, self.state = self.state, done.state
            for action in done.actions:
                if isinstance(action, EndNode):
                    self._depart(action.node, self.state.cluster.detect_within_ms, of_ring=True)
            self._react()
            now = words.summary(self.state, (earlier, before))
            changes, before = words.changes(before, now), now
            said = told if told is not None else headline(event)
            yield Moment(self._now_ms, event, said, told is not None, done.actions, changes, self.state)

    def _next(self) -> _Happening | None:
        while not self._queue:
            if not self._later or self._later[0][0] > MOST_MS:
                return None
            due_ms, _, make = heapq.heappop(self._later)
            found = make()
            if found is not None:
                self._now_ms = due_ms
                return found
        return self._queue.popleft()

    def _at(self, at_ms: int, make: _Due) -> None:
        self._number += 1
        heapq.heappush(self._later, (at_ms, self._number, make))

    def _react(self) -> None:
        """Answer what is newly under way, wait for what is newly armed, check what is newly checked."""
        for each in pending(self.state):
            key = f"{each.kind} {each.id} {each.node}"
            if key not in self._seen:
                self._seen[key] = None
                self._answer(each)
        for timer, ms in self.state.timers.items():
            if timer not in self._armed:
                self._arm(timer, ms)
        self._armed = {timer: number for timer, number in self._armed.items() if timer in self.state.timers}
        for monitor in self.state.cluster.monitors:
            for node, watch in self.state.monitor(monitor.name).on.items():
                if watch.round and watch.round != self._rounds.get((monitor.name, node)):
                    wrong = bool(self._errors.get((monitor.name, node)))
                    after_ms = monitor.first_wait_ms + (monitor.retries * monitor.interval_ms if wrong else 0)
                    self._check(monitor.name, node, watch.round, after_ms)
                self._rounds[monitor.name, node] = watch.round
        self._fail_again()

    def _answer(self, each: Pending) -> None:
        done = _in_both(DONE, each.text)
        if each.kind == "LeaveCluster":
            self._depart(each.node, 0, of_ring=self.state.nodes[each.node].then != "stop")
        elif each.kind == "ProbeNode":
            self.soon(e.NodeProbed(each.id, each.node, _nothing(self.state.cluster, each.node)), done)
        elif each.kind == "JudgeConfiguration":
            self.soon(e.ConfigurationJudged(each.id, each.node, ()), done)
        elif each.node in self.state.members():
            self.soon(e.ActionFinished(each.id, each.node, SUCCEEDED), done)

    def _arm(self, timer: str, ms: int) -> None:
        self._armed[timer] = number = self._number

        def fire() -> _Happening | None:
            if self._armed.get(timer) != number:
                return None  # forgotten, or armed anew since
            del self._armed[timer]
            return e.TimerFired(timer), _in_both(OVER, deadline(timer))

        self._at(self._now_ms + ms, fire)

    def _check(self, monitor: str, node: str, round_: str, after_ms: int) -> None:
        def judge() -> _Happening | None:
            watch = self.state.monitor(monitor).on.get(node)
            if watch is None or watch.round != round_:
                return None
            left = self._errors.get((monitor, node), 0)
            self._errors[monitor, node] = max(0, left - 1)
            outcome = failed(IMAGINED.said(what=monitor)) if left else SUCCEEDED
            event = e.MonitorJudged(node, monitor, round_, outcome)
            return event, None if left else headline(event)

        self._at(self._now_ms + after_ms, judge)

    def _fail_again(self) -> None:
        """The resource that fails runs anew: its next check that finds it so comes after its interval and retries."""
        found = self._target()
        if found is None or found.run == self._failed_run:
            return
        after_ms = 0
        if self._failed_run:
            group = self.state.cluster.group(found.group)
            (resource,) = (each for each in group.resources if each.name == found.resource)
            after_ms = resource.check_interval_ms * (resource.check_retries + 1)
        self._failed_run = found.run

        def fail() -> _Happening | None:
            if self._target() != found:
                return None
            self._times -= 1
            return found, None

        self._at(self._now_ms + after_ms, fail)

    def _target(self) -> e.MonitorChanged | None:
        """The error of the resource that is to fail, where it runs now."""
        if self._failing is None or not self._times:
            return None
        group, resource = self._failing
        places = [each.name for each in self.state.cluster.group(group).resources]
        for node, holds in self.state.groups[group].holds.items():
            hold = holds[places.index(resource)]
            if hold.status is Status.RUNNING:
                return e.MonitorChanged(node, group, resource, hold.run, failed(IMAGINED.said(what=resource)))
        return None

    def _depart(self, node: str, after_ms: int, *, of_ring: bool) -> None:
        def gone() -> _Happening | None:
            there = node in (self._there() if of_ring else self.state.members())
            return (self._view_without((node,), of_ring=of_ring), None) if there else None

        self._at(self._now_ms + after_ms, gone)

    def _view_without(self, nodes: tuple[str, ...], *, of_ring: bool) -> e.ViewChanged:
        members = tuple(name for name in self.state.members() if name not in nodes)
        there = tuple(name for name in self._there() if not of_ring or name not in nodes)
        return e.ViewChanged(self._ring(), members, there)

    def _there(self) -> tuple[str, ...]:
        return tuple(name for name, facts in self.state.nodes.items() if facts.presence in _HERE)

    def _ring(self) -> str:
        self._number += 1
        return f"what-if.{self._number}"


def _nothing(cluster: Cluster, node: str) -> tuple[e.Found, ...]:
    """What a probe finds on a node that has just come up."""
    return tuple(
        e.Found(group.name, resource.name, Result.FAILED, 0)
        for group in cluster.groups
        if node in group.nodes
        for resource in group.resources
    )


def _rules(state: State, event: e.Event) -> int:
    """The lowest rules number among the members, as the replica takes it."""
    if isinstance(event, e.MembersSynced):
        numbers = [member.rules for member in event.members]
    else:
        numbers = [facts.rules for facts in state.nodes.values() if facts.presence is Presence.MEMBER]
    return min([RULES, *numbers])


def _in_both(message: Message, what: Said) -> Said:
    """A sentence around another one, in each language."""
    return Said(message.code, message.en.format(what=what.en), message.ja.format(what=what.ja), what.level)
