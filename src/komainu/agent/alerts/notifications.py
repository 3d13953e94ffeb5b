"""Notifications: who sends which alert, to where, and what became of it (W5).

What a node says of itself, that node sends. What the core raises every member knows, and one of them sends it: the
first in the order of the configuration that is a member and has not given up. It tells the others when it was sent;
as long as they have not heard that, they keep the alert, and when it dies or gives up the next one sends it. So an
alert may come twice, when its sender dies between sending and saying so. That is better than never.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from komainu.agent.alert_record import LEVELS, Record, record, wall_ms
from komainu.agent.alerts.outbox import Letterhead, Outbox
from komainu.agent.members import wire
from komainu.model.config import Cluster, Notification
from komainu.model.message import Message, Said
from komainu.model.outcome import Outcome, unknown
from komainu.ports import NotifierHands, NotifierHost, NotifierType, Topics

MOST_PENDING = 1_000
"So many alerts that another member is to send are kept."
KEPT_MS = 3_600_000
"After that an alert that nobody has sent is left to the alert log."
TEST_MS = 40_000
"A test is answered by every node within this time, or not at all."

NOT_SENT = Message(
    "KM5711",
    "Notification {name}: {count} alerts could not be sent from node {node}. They are in the alert log. The detail has "
    "the reason; `komainu alerts test {name}` tries it again.",
    "通知 {name}: ノード {node} から {count} 件のアラートを送信できませんでした。アラートログには記録されています。"
    "理由は詳細を参照してください。`komainu alerts test {name}` で再度確認できます。",
    "warning",
)
SENT_AGAIN = Message(
    "KM5712",
    "Notification {name}: sending from node {node} works again.",
    "通知 {name}: ノード {node} からの送信が回復しました。",
)
UNKNOWN_KIND = Message(
    "KM5713",
    "Notification {name} has the kind {kind}, which this release of Komainu does not know. Install the same release on "
    "all nodes.",
    "通知 {name} の種類 {kind} は、このリリースの Komainu では使用できません。全ノードに同じリリースをインストール"
    "してください。",
    "error",
)
BAD_PARAMETERS = Message(
    "KM5714",
    "The parameters of notification {name} do not hold: {reason}. Correct them and apply the configuration again.",
    "通知 {name} のパラメータが正しくありません: {reason}。修正して構成情報を再度適用してください。",
    "error",
)
TEST = Message(
    "KM5715",
    "This is a test of notification {name} from node {node}.",
    "ノード {node} からの通知 {name} のテストです。",
)
NO_WORD = Message(
    "KM5716",
    "Node {node} did not answer within {ms} ms: it is not known whether it could send.",
    "ノード {node} から {ms} ミリ秒以内に応答がなく、送信できたかどうか分かりません。",
    "warning",
)

NEVER_SENT = (NOT_SENT.code, SENT_AGAIN.code)
"Trouble with sending is told in the alert log alone: to send it would make more of it."


@dataclass(slots=True)
class Pending:
    """An alert of the core that is to be sent by one member."""

    record: Record
    until: float
    given_up: tuple[str, ...] = ()
    "Members that could not send it."
    mine: bool = False


class Target:
    """One configured notification on this node."""

    def __init__(self, config: Notification, outbox: Outbox) -> None:
        """Nothing is waiting."""
        self.config = config
        self.outbox = outbox
        self.pending: dict[tuple[str, int], Pending] = {}
        self.failing = False

    def wants(self, each: Record) -> bool:
        """True when alerts like this one are to be sent by it."""
        return LEVELS[each.level] >= LEVELS[self.config.level] and each.code not in NEVER_SENT


@dataclass(frozen=True, slots=True)
class Trial:
    """What a test of one notification from one node came to."""

    node: str
    notification: str
    outcome: Outcome


class Notifications:
    """All of them. Runs in the event loop; nothing of the cluster waits for it."""

    def __init__(
        self,
        me: str,
        name: str,
        kinds: Mapping[str, NotifierType],
        topics: Topics,
        tell: Callable[[Said, str], None],
        send: Callable[[wire.Message], None],
    ) -> None:
        """`name` makes the ids of tests unique among daemons. `tell` raises an alert of this node."""
        self._me = me
        self._name = name
        self._kinds = kinds
        self._topics = topics
        self._tell = tell
        self._send = send
        self._targets: dict[str, Target] = {}
        self._cluster: tuple[str, str] = ("", "")
        self._members: tuple[str, ...] = ()
        self._tests = 0
        self._answers: dict[str, asyncio.Queue[Trial]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    # --- the configuration -----------------------------------------------------------------------------------------

    def configure(self, cluster: Cluster) -> None:
        """Take over a configuration. What did not change goes on with what waits in it."""
        head = Letterhead(cluster.name, self._me, cluster.language)
        same = self._cluster == (cluster.name, cluster.language)
        self._cluster = (cluster.name, cluster.language)
        before, self._targets = self._targets, {}
        for config in cluster.notifications:
            known = before.get(config.name)
            if known is not None and same and known.config == config:
                self._targets[config.name] = before.pop(config.name)
            else:
                self._targets[config.name] = self._target(config, head)
        for name, old in before.items():
            left = old.outbox.close()
            if name in self._targets:
                for each in left:
                    self._targets[name].outbox.offer(each)
                self._targets[name].pending = old.pending

    def _target(self, config: Notification, head: Letterhead) -> Target:
        def done(records: Sequence[Record], outcome: Outcome) -> None:
            self._done(config.name, records, outcome)

        return Target(config, Outbox(config.name, self._hands(config, head), head, done))

    def _hands(self, config: Notification, head: Letterhead) -> NotifierHands | Said:
        kind = self._kinds.get(config.kind)
        if kind is None:
            return UNKNOWN_KIND.said(name=config.name, kind=config.kind)
        try:
            params = kind.params.model_validate(config.params)
        except ValidationError as error:
            reason = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            return BAD_PARAMETERS.said(name=config.name, reason=reason)
        return kind.make(params, NotifierHost(self._me, head.cluster, config.name, self._topics))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all notifications, in the order of the configuration."""
        return tuple(self._targets)

    # --- alerts ----------------------------------------------------------------------------------------------------

    def local(self, each: Record) -> None:
        """This node said it of itself, and sends it."""
        for target in self._targets.values():
            if target.wants(each):
                target.outbox.offer(each)

    def core(self, each: Record) -> None:
        """The core raised it on every member: one of them sends it."""
        until = asyncio.get_running_loop().time() + KEPT_MS / 1000
        for target in self._targets.values():
            if target.wants(each):
                if len(target.pending) == MOST_PENDING:
                    del target.pending[next(iter(target.pending))]
                target.pending[each.key] = Pending(each, until)
                self._look(target, each.key)

    def members(self, members: tuple[str, ...]) -> None:
        """The members changed, in the order of the configuration: it may be this node's turn."""
        self._members = members
        for target in self._targets.values():
            for key in tuple(target.pending):
                self._look(target, key)

    def message(self, sender: str, message: wire.AlertsSent | wire.TestAsked | wire.TestAnswered) -> None:
        """A message was delivered."""
        match message:
            case wire.AlertsSent() if sender != self._me:
                self._sent(sender, message)
            case wire.TestAsked() if sender != self._me:
                self._go_test(message)
            case wire.TestAnswered():
                queue = self._answers.get(message.id)
                if queue is not None:
                    outcome = Outcome(message.result, message.said, message.detail)
                    queue.put_nowait(Trial(sender, message.name, outcome))

    def close(self) -> None:
        """Send nothing more."""
        for task in self._tasks:
            task.cancel()
        for target in self._targets.values():
            target.outbox.close()

    def _look(self, target: Target, key: tuple[str, int]) -> None:
        """Send it if it is this node's turn."""
        pending = target.pending[key]
        left = [node for node in self._members if node not in pending.given_up]
        overdue = asyncio.get_running_loop().time() > pending.until
        if overdue or (self._members and not left):
            del target.pending[key]
        elif left and left[0] == self._me and not pending.mine:
            pending.mine = True
            target.outbox.offer(pending.record)

    def _sent(self, sender: str, message: wire.AlertsSent) -> None:
        target = self._targets.get(message.name)
        if target is None:
            return
        for key in message.keys:
            pending = target.pending.get(key)
            if pending is not None and message.sent and not pending.mine:
                del target.pending[key]
            elif pending is not None and not message.sent:
                pending.given_up = (*pending.given_up, sender)
                self._look(target, key)

    def _done(self, name: str, records: Sequence[Record], outcome: Outcome) -> None:
        """The outbox has sent them, or given up."""
        target = self._targets.get(name)
        if target is None:
            return
        keys = tuple(each.key for each in records if each.key in target.pending)
        for key in keys:
            del target.pending[key]
        if keys and len(self._members) > 1:
            self._send(wire.AlertsSent(name, keys, outcome.succeeded))
        failing, target.failing = target.failing, not outcome.succeeded
        if target.failing and not failing:
            reason = outcome.said.en if outcome.said is not None else ""
            detail = f"{reason}\n{outcome.detail}".strip()
            self._tell(NOT_SENT.said(name=name, node=self._me, count=len(records)), detail)
        elif failing and not target.failing:
            self._tell(SENT_AGAIN.said(name=name, node=self._me), "")

    # --- tests -----------------------------------------------------------------------------------------------------

    async def test(self, name: str | None, nodes: tuple[str, ...], found: Callable[[Trial], None]) -> None:
        """Have each of these nodes send a test through that notification, or through all; `found` hears each result.

        What is not known in time is said to be unknown.
        """
        names = self.names if name is None else (name,)
        awaited = {(node, each): None for node in nodes for each in names}
        self._tests += 1
        number = f"{self._name}-{self._tests}"
        queue: asyncio.Queue[Trial] = asyncio.Queue()
        self._answers[number] = queue
        try:
            async with asyncio.timeout(TEST_MS / 1000):
                asked = wire.TestAsked(number, name or "")
                if any(node != self._me for node in nodes):
                    self._send(asked)
                if self._me in nodes:
                    self._go_test(asked, queue)
                while awaited:
                    tested = await queue.get()
                    if (tested.node, tested.notification) in awaited:
                        del awaited[tested.node, tested.notification]
                        found(tested)
        except TimeoutError:
            for node, each in awaited:
                found(Trial(node, each, unknown(NO_WORD.said(node=node, ms=TEST_MS))))
        finally:
            del self._answers[number]

    def _go_test(self, asked: wire.TestAsked, queue: "asyncio.Queue[Trial] | None" = None) -> None:
        """Test here; the answer goes to the queue, or to whoever asked over the bus."""
        for name, target in self._targets.items():
            if asked.name in ("", name):
                task = asyncio.get_running_loop().create_task(self._test_one(asked.id, name, target, queue))
                self._tasks.append(task)
                task.add_done_callback(self._tested)

    async def _test_one(self, number: str, name: str, target: Target, queue: "asyncio.Queue[Trial] | None") -> None:
        said = TEST.said(name=name, node=self._me)
        outcome = await target.outbox.test(record(f"test-{number}", 1, self._me, said, "", wall_ms()))
        if queue is not None:
            queue.put_nowait(Trial(self._me, name, outcome))
        else:
            self._send(wire.TestAnswered(number, name, outcome.result, outcome.said, outcome.detail[:4_000]))

    def _tested(self, task: "asyncio.Task[None]") -> None:
        self._tasks.remove(task)
        if not task.cancelled():
            task.result()  # it fails by a defect only; the loop's exception handler tells of it
