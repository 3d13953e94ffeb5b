"""The facts that make up the state of the cluster: of nodes, resources, groups, monitors, and what is under way."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from komainu.model.actions import Ending
from komainu.model.config import Cluster
from komainu.model.message import Said
from komainu.model.status import Presence, Proof, Status, Verdict, Wanted


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """One node."""

    presence: Presence = Presence.UNSEEN
    incarnation: str = ""
    rules: int = 1
    "The newest that its release knows. The default is the same in all releases, as every default here (ADR 0010)."
    proof: Proof | None = None
    probed: bool = False
    probe: str = ""
    "The id of the probe under way."
    fence: str = ""
    "The id of the attempt under way to fence this node."
    fence_by: str = ""
    "Who tries it, or tried it last."
    fence_wait: str = ""
    "The timer after which fencing is tried again."
    leaving: bool = False
    then: Ending = "end"
    "What comes after it has left."
    forced: bool = False
    "It leaves because of a final action (C7): if it cannot stop everything it is ended without that."
    dismissed: bool = False
    "Told that it may leave."
    ended: bool = False
    "Told to end at once: it may be gone at any moment, and is not proven gone by that."
    suspended: bool = False
    "Nothing is checked, started or stopped here (C10)."
    powerless: bool = False
    "Its right to act has ended, or is about to: everything stops here and nothing starts (N2)."
    lost_in: int = 0
    "The epoch in which it was lost, or what was proven of it came to nothing: every loss has one of its own."

    @property
    def proven_gone(self) -> bool:
        """True when it surely runs nothing: that it is assumed is no proof."""
        return self.presence is Presence.GONE and self.proof is not Proof.ASSUMED


ADDED = NodeFacts(Presence.GONE, proof=Proof.ADDED)
"A node that the configuration did not have before."


@dataclass(frozen=True, slots=True)
class Hold:
    """One resource on one node."""

    status: Status = Status.UNKNOWN
    action: str = ""
    "The id of the start or stop under way."
    run: str = ""
    "The id of the start or probe by which it runs."
    epoch: int = 0
    "The epoch in which it was started."
    found: bool = False
    "It runs because a probe found it, not because this history started it: placement has yet to judge it."
    wait: str = ""
    "The timer after which a start or stop with unknown result is tried again."
    start_failures: int = 0
    stop_failures: int = 0
    restarts: int = 0
    outdated: bool = False
    "It runs under a configuration that is about to be replaced: it has to be stopped first (C11)."
    said: Said | None = None
    "Why it is not as it should be."


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """One group."""

    wanted: Wanted
    home: str | None = None
    "The node where it runs or should run."
    since: int = 0
    "The epoch of the takeover by which it is there: on a merge of two actives the newer one stays."
    barred: tuple[str, ...] = ()
    "Nodes on which it failed; not chosen again until an operator, a return or time clears them."
    failovers: int = 0
    "Failovers for failed resources since the counters last began."
    recent: tuple[str, ...] = ()
    "Timers of the failovers that still count against `failover_limit` (C8)."
    given_up: bool = False
    "Recovery is at its end: what failed stays failed, what depends on it is not started (C4)."
    parked: tuple[str, ...] = ()
    "Resources that an operator or a final action has stopped; what depends on them is stopped too."
    ordered: bool = False
    "An operator asked for it while the maintenance switch was on."
    overdue: tuple[str, ...] = ()
    "Groups that were waited for long enough."
    because: tuple[Said, ...] = ()
    "Why it is wanted or not, and why there."
    hindrance: Said | None = None
    "Why it may not start at its home now."
    holds: dict[str, tuple[Hold, ...]] = field(default_factory=dict)
    "Per startable node, one Hold per resource, in the order of starting."


@dataclass(frozen=True, slots=True)
class Watch:
    """A monitor of its own on one node."""

    round: str = ""
    "The id under which it checks now; empty: it does not. A new round begins after every step of recovery."
    verdict: Verdict | None = None
    "None: nothing was found yet in this round."
    said: Said | None = None
    recovering: bool = False
    "A step of recovery is under way: no check counts before its target is at rest again."
    restarts: int = 0
    "Reactivations asked for since the counters last began."
    script: str = ""
    "The id of the pre-recovery script under way."
    scripted: bool = False
    "The script has run for the next step of recovery."
    ended: bool = False
    "Its final action was taken."
    held: bool = False
    "Its final action is held back for as long as it would end the last service."


UNWATCHED = Watch()
"A monitor that does not check there and remembers nothing."


@dataclass(frozen=True, slots=True)
class MonitorFacts:
    """One monitor. It has an entry only while there is something to say of it."""

    suspended: tuple[str, ...] = ()
    "Nodes on which an operator does not want it to check."
    simulated: tuple[str, ...] = ()
    "Nodes on which it is to find an error: verification mode (C10)."
    failovers: int = 0
    "Failovers it asked for since the counters last began."
    on: dict[str, Watch] = field(default_factory=dict)
    "Per node on which it checks or has something to remember; none for a resource's own."


@dataclass(frozen=True, slots=True)
class Vote:
    """The third vote, as a member holds it."""

    node: str
    ring: str
    "The view in which it was won: it counts in no other."
    epoch: int
    "Of the record."
    waited: bool
    "No other node has had a right since it was won, or the wait for that is over."
    wait_ms: int
    "How long that wait is."


class Noted(StrEnum):
    """What a node has on its disk of the suspension of the whole cluster."""

    NOT = ""
    BEGUN = "noted"
    "It is on its way in or out: nothing starts, and what runs needs a right."
    IN_FORCE = "in force"
    "All nodes had noted it: nothing starts anywhere, and what runs needs no right."


@dataclass(frozen=True, slots=True)
class Suspension:
    """The whole cluster is suspended, or is about to be, or to be no more."""

    id: str
    on: bool
    "False: it is to be resumed."
    noted: tuple[str, ...] = ()
    "Nodes that have written it down; when resuming, nodes that are bound by their right again."

    def holds(self, nodes: Iterable[str]) -> Noted:
        """How far it has come, for a cluster of these nodes: what a node has to have on its disk."""
        return Noted.IN_FORCE if self.on and all(name in self.noted for name in nodes) else Noted.BEGUN


@dataclass(frozen=True, slots=True)
class Change:
    """A configuration that is to hold, and is not yet in force (C11)."""

    id: str
    origin: str
    "The node that asked."
    command: str
    "The id of the command, which is answered when it is in force or refused."
    cluster: Cluster
    who: str
    why: str
    agreed: tuple[str, ...] = ()
    "Members that found it right and wrote it down."
