"""Where alerts are sent (W5)."""

from collections.abc import Iterator

from komainu.config.problem import Finding, named
from komainu.model.config import Cluster
from komainu.model.message import Message

SAME_NOTIFICATION = Message(
    "KM1641",
    "Another notification is called {name} already. Give each notification its own name.",
    "通知の名前 {name} はすでに使われています。通知ごとに別の名前を付けてください。",
    "error",
)
MESSAGES = (SAME_NOTIFICATION,)


def findings(cluster: Cluster) -> Iterator[Finding]:
    """Their names; what is in them is judged by their kinds."""
    seen: dict[str, None] = {}
    for number, notification in enumerate(cluster.notifications):
        if notification.name and notification.name in seen:
            yield Finding(("notifications", number, "name"), SAME_NOTIFICATION.said(name=named(notification.name)))
        seen[notification.name] = None
