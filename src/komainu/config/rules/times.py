"""Times that cannot hold (C7, C8), besides those of `safety`."""

from collections.abc import Iterator

from komainu.config import dependencies
from komainu.config.parameters import resources
from komainu.config.problem import Finding, Path, named
from komainu.model.config import Cluster, Part
from komainu.model.message import Message

LONGEST_MS = 2_147_483_647
"""About 24 days."""

TOO_LONG = Message(
    "KM1621",
    "{value} ms is more than {limit} ms (24 days): nobody waits that long, so it is taken for a slip. Write the time "
    "in milliseconds.",
    "{value} ミリ秒は {limit} ミリ秒（24 日）を超えており、書き誤りとみなします。時間はミリ秒で書いてください。",
    "error",
)
RESET_SHORT = Message(
    "KM1622",
    "{value} ms is shorter than the interval of the checks ({interval} ms): the count of {name} would begin again "
    "before the next check, and recovery would never come to an end. Write {interval} or more.",
    "{value} ミリ秒は監視間隔（{interval} ミリ秒）より短いため、{name} の回数が次の監視の前に数え直しになり、復旧処理が"
    "終わらなくなります。{interval} 以上にしてください。",
    "error",
)
END_SHORT = Message(
    "KM1623",
    "{value} ms is shorter than the groups may need to stop by their own timeouts ({longest} ms): a node that has to "
    "end could be reset while they are still stopping in order. Write {longest} or more, or shorten their timeouts.",
    "{value} ミリ秒は、グループの停止に設定上かかりうる時間（{longest} ミリ秒）より短いため、正常に停止している途中で"
    "ノードがリセットされることがあります。{longest} 以上にするか、停止のタイムアウトを短くしてください。",
    "warning",
)
MESSAGES = (TOO_LONG, RESET_SHORT, END_SHORT)


def findings(cluster: Cluster) -> Iterator[Finding]:
    """Every time by itself, then those that depend on each other."""
    for key in ("startup_sync_wait_ms", "agent_return_ms", "end_timeout_ms"):
        yield from _value(("cluster", key), getattr(cluster, key))
    yield from _too_long(("cluster", "arbitration"), cluster.arbitration)
    for key in ("groups", "monitors"):
        for number, part in enumerate(getattr(cluster, key)):
            yield from _too_long((key, number), part)
    for path, _, resource in resources(cluster):
        reset = (*path, "recovery", "reset_after_ms")
        yield from _reset(reset, resource.name, resource.recovery.reset_after_ms, resource.check_interval_ms)
    for number, monitor in enumerate(cluster.monitors):
        reset = ("monitors", number, "recovery", "reset_after_ms")
        yield from _reset(reset, monitor.name, monitor.recovery.reset_after_ms, monitor.interval_ms)
    yield from _end(cluster)


def _too_long(path: Path, part: Part) -> Iterator[Finding]:
    for key in type(part).model_fields:
        value = getattr(part, key)
        if isinstance(value, Part):
            yield from _too_long((*path, key), value)
        elif isinstance(value, tuple):
            for number, item in enumerate(value):
                if isinstance(item, Part):
                    yield from _too_long((*path, key, number), item)
        elif key.endswith("_ms"):
            yield from _value((*path, key), value)


def _value(path: Path, value: int) -> Iterator[Finding]:
    if value > LONGEST_MS:
        yield Finding(path, TOO_LONG.said(value=value, limit=LONGEST_MS))


def _reset(path: Path, name: str, value: int, interval: int) -> Iterator[Finding]:
    if value < interval:
        yield Finding(path, RESET_SHORT.said(value=value, interval=interval, name=named(name)))


def _end(cluster: Cluster) -> Iterator[Finding]:
    """A group stops after those that wait for it have stopped."""
    groups = {group.name: group for group in cluster.groups if group.name}
    stops: dict[str, int] = {}
    for name, group in groups.items():
        longest = dependencies.longest_stop_ms(group)
        if longest is None:
            return
        stops[name] = longest
    chains = {name: [each.group for each in group.depends_on] for name, group in groups.items()}
    whole = dependencies.longest(chains, stops)
    if whole is not None and cluster.end_timeout_ms < whole:
        yield Finding(("cluster", "end_timeout_ms"), END_SHORT.said(value=cluster.end_timeout_ms, longest=whole))
