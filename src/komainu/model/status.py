"""What can be known of a node, a resource, a group and a monitor: the words in which the core keeps its facts."""

from enum import StrEnum


class Presence(StrEnum):
    """What is known of a node."""

    UNSEEN = "unseen"
    "Not seen since this history began. For the takeover law as good as lost."
    JOINING = "joining"
    "In the view again, its state not yet put together with ours; what was proven of it before is void."
    MEMBER = "member"
    AGENT_LOST = "agent lost"
    "Its daemon is gone or silent, the node itself is in the ring: nothing is started elsewhere (law 5)."
    LOST = "lost"
    "Out of the ring. It may be dead, or cut off and at work."
    GONE = "gone"
    "Taken to run nothing; Proof says why, and whether that is one."


class Proof(StrEnum):
    """Why a node counts as gone (N1)."""

    CLEAN_LEAVE = "clean leave"
    FENCED = "fenced"
    LEASE = "lease expired"
    "We hold the vote, and whatever right the node had has ended since."
    MAJORITY = "out of the majority"
    "We are the majority, and whatever right the node had has ended since."
    OPERATOR = "operator's word"
    ADDED = "just added"
    "It was not part of the configuration before: it has to get it from a member before it can start anything."
    ASSUMED = "assumed"
    "Arbitration `none`: taken as gone because it is lost. No proof at all; status says so."


class Status(StrEnum):
    """What is known of one resource on one node."""

    UNKNOWN = "unknown"
    STOPPED = "stopped"
    "The only status in which it surely has no effect."
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FAILED = "failed"
    "Its start failed or its check found it in error: it has to be stopped before anything else."
    STUCK = "stuck"
    "Its stop did not succeed: it may have effect for ever."


class Wanted(StrEnum):
    """Whether a group should run."""

    UP = "up"
    DOWN = "down"
    "Stopped by an operator."
    IDLE = "idle"
    "Start or failover attribute manual, and nobody has asked yet: if it is found running, it is kept."


class Verdict(StrEnum):
    """What a monitor last found."""

    NORMAL = "normal"
    CAUTION = "caution"
    ERROR = "error"
    UNKNOWN = "unknown"
