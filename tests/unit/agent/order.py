"""Replicas and a total order: whatever one of them sends is delivered to all members, through its bytes."""

from collections import deque
from collections.abc import Callable

from komainu.agent.members import wire
from komainu.agent.members.replica import Decided, Effects, Replica, View
from komainu.agent.members.snapshot import digest
from komainu.core.state import State
from komainu.model import actions as a, events as e
from komainu.model.config import Cluster
from komainu.model.outcome import SUCCEEDED, Result


class Order:
    """One ring: its members, and the messages that wait to be delivered."""

    def __init__(self, ring: str = "r") -> None:
        self.ring = ring
        self.replicas: dict[str, Replica] = {}
        self.waiting: deque[tuple[str, wire.Message]] = deque()
        self.asked: dict[str, list[a.Action]] = {}
        "The actions that each replica was told to carry out, alerts and timers among them."
        self.decided: dict[str, list[Decided]] = {}
        self._views = 0

    def add(self, *replicas: Replica) -> None:
        """These replicas deliver here from now on."""
        for replica in replicas:
            self.replicas[replica.me] = replica
            self.asked.setdefault(replica.me, [])
            self.decided.setdefault(replica.me, [])

    def take(self, name: str) -> Replica:
        """A replica delivers here no more."""
        return self.replicas.pop(name)

    def view(self, nodes: str = "") -> None:
        """All replicas here see each other; `nodes` (by default they alone) are in the ring."""
        self._views += 1
        order = [node.name for node in next(iter(self.replicas.values())).state.cluster.nodes]
        members = tuple(name for name in order if name in self.replicas)
        seen = tuple(nodes.split()) or members
        for replica in tuple(self.replicas.values()):
            self.keep(replica, replica.view_changed(View(f"{self.ring}{self._views}", members, seen)))

    def send(self, sender: str, messages: list[wire.Message]) -> None:
        """A replica multicasts."""
        self.waiting.extend((sender, wire.decode(wire.encode(message))) for message in messages)

    def propose(self, sender: str, event: e.Event) -> None:
        """Something happened to the node of that replica."""
        self.send(sender, self.replicas[sender].propose(event))

    def deliver_next(self) -> wire.Message:
        """Deliver one message to everybody here."""
        sender, message = self.waiting.popleft()
        for replica in tuple(self.replicas.values()):
            self.keep(replica, replica.delivered(sender, message))
        return message

    def deliver(self, until: Callable[[], bool] = lambda: False, most: int = 10_000) -> None:
        """Deliver until nothing is left, or until the condition holds."""
        while self.waiting and not until():
            assert most > 0, "messages lead to messages for ever"
            most -= 1
            self.deliver_next()

    def settle(self) -> None:
        """Deliver, and carry out what is asked for, until nothing is left: probes find nothing, all else succeeds."""
        self.deliver()
        while any(self.work(name) for name in self.replicas):
            for name in tuple(self.replicas):
                for action in self.work(name):
                    self.asked[name].remove(action)
                    self.propose(name, outcome(self.replicas[name].state, action))
            self.deliver()

    def work(self, name: str) -> list[a.StartResource | a.StopResource | a.ProbeNode | a.FenceNode]:
        """What that node was asked to do and has not done."""
        kinds = a.StartResource | a.StopResource | a.ProbeNode | a.FenceNode
        return [action for action in self.asked[name] if isinstance(action, kinds)]

    def alerts(self, name: str) -> list[str]:
        """The codes of the alerts that replica raised."""
        return [action.said.code for action in self.asked[name] if isinstance(action, a.RaiseAlert)]

    def keep(self, replica: Replica, effects: Effects) -> None:
        """Take over what a replica wants done."""
        self.asked[replica.me] += effects.actions
        self.decided[replica.me] += effects.decided
        self.send(replica.me, effects.send)


def outcome(state: State, action: a.StartResource | a.StopResource | a.ProbeNode | a.FenceNode) -> e.Event:
    """The event that tells of a success; for a probe, that nothing runs."""
    if not isinstance(action, a.ProbeNode):
        return e.ActionFinished(action.id, action.node, SUCCEEDED)
    found = (
        e.Found(group.name, resource.name, Result.FAILED, 0)
        for group in state.cluster.groups
        for resource in group.resources
    )
    return e.NodeProbed(action.id, action.node, tuple(found))


def replica(name: str, cluster: Cluster, epoch: int = 0, life: int = 1) -> Replica:
    """A daemon that just started; its incarnations are called a1.1, a1.2 and so on."""
    numbers = iter(range(1, 1_000))
    return Replica(name, cluster, epoch, lambda: f"{name}{life}.{next(numbers)}")


def together(cluster: Cluster, settled: bool = True) -> Order:
    """All nodes of a cluster in one ring; settled: formed, everything started."""
    order = Order()
    order.add(*(replica(node.name, cluster) for node in cluster.nodes))
    order.view()
    if settled:
        order.settle()
    return order


def digests(order: Order) -> set[str]:
    """The digests of all states; one when they are equal."""
    return {digest(each.state) for each in order.replicas.values()}


def assert_together(order: Order) -> State:
    """All are synced, equal, and see each other as members; the state."""
    assert all(each.synced for each in order.replicas.values())
    assert len(digests(order)) == 1
    state = next(iter(order.replicas.values())).state
    assert set(state.members()) == set(order.replicas)
    return state


def silent(order: Order, node: str) -> e.AgentSilent:
    """The accusation against a member."""
    state = next(each.state for name, each in order.replicas.items() if name != node)
    return e.AgentSilent(node, state.nodes[node].incarnation)


def split(order: Order, name: str) -> Order:
    """That node is cut off: it goes on alone in its own ring, the others in theirs."""
    alone = Order(f"{name}-alone-")
    alone.add(order.take(name))
    order.view()
    alone.view()
    return alone
