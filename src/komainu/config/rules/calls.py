"""The budget of calls to the EC2 API: its bounds, and whether the checks that are configured fit into it."""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from komainu.config.problem import Finding, Path
from komainu.model.config import LEAST_CALLS_PER_MINUTE, MOST_CALLS_PER_MINUTE, Aws, Cluster
from komainu.model.message import Message

TOO_FEW = Message(
    "KM1285",
    "{value} calls a minute are too few: one address asks up to 3 a minute at the default intervals, so its checks "
    "would be `Caution` all day long. Write {least} or more.",
    "1 分に {value} 回では足りません。既定の間隔では 1 つのアドレスだけで 1 分に最大 3 回呼び出すため、監視が"
    "いつも `Caution` になります。{least} 以上にしてください。",
    "error",
)
TOO_MANY = Message(
    "KM1286",
    "{value} calls a minute are too many: EC2 limits the calls of an account in a region, and the checks of all nodes "
    "would use up what a takeover needs. Write {most} or less, and check less often.",
    "1 分に {value} 回は多すぎます。EC2 の呼び出し回数にはアカウントとリージョンごとの上限があり、引き継ぎに必要な"
    "分まで監視が使い切ってしまいます。{most} 以下にし、監視の間隔を長くしてください。",
    "error",
)
NOT_ENOUGH = Message(
    "KM1287",
    "{node} may call the EC2 API {value} times a minute, and its checks and preparations ask at least {needed} times: "
    "those that find no call left are `Caution` although nothing is wrong. Make their intervals longer, or raise "
    "`cluster.aws.calls_per_minute`.",
    "{node} が 1 分間に EC2 の API を呼び出せるのは {value} 回ですが、監視と準備確認は少なくとも {needed} 回"
    "呼び出します。呼び出せなかった監視は、異常がなくても `Caution` になります。間隔を長くするか、"
    "`cluster.aws.calls_per_minute` を大きくしてください。",
    "warning",
)
MESSAGES = (TOO_FEW, TOO_MANY, NOT_ENOUGH)

RESOURCES = ("awsvip", "awseip", "awssip")
"Types whose every check, and every preparation, calls the EC2 API at least once."
MONITORS = ("awsazw",)
MINUTE_MS = 60_000

_PATH: Path = ("cluster", "aws", "calls_per_minute")


def findings(cluster: Cluster) -> Iterator[Finding]:
    """Bounds, and the node that needs most."""
    if cluster.environment != "aws":
        return
    value = (cluster.aws or Aws()).calls_per_minute
    if value < LEAST_CALLS_PER_MINUTE:
        yield Finding(_PATH, TOO_FEW.said(value=value, least=LEAST_CALLS_PER_MINUTE))
    elif value > MOST_CALLS_PER_MINUTE:
        yield Finding(_PATH, TOO_MANY.said(value=value, most=MOST_CALLS_PER_MINUTE))
    else:
        needed = {node.name: needed_per_minute(cluster, node.name) for node in cluster.nodes if node.name}
        node = max(needed, key=lambda name: needed[name], default="")
        if node and needed[node] > value:
            said = NOT_ENOUGH.said(node=node, value=value, needed=ceil(needed[node]))
            yield Finding(_PATH, said)


def needed_per_minute(cluster: Cluster, node: str) -> Fraction:
    """The least that checks and preparations ask on that node when it is as busy as it can be.

    One call each time: most ask for more now and then, and that is what the rest of the budget is for.
    """
    needed = Fraction(0)
    for group in cluster.groups:
        for resource in group.resources:
            if node in group.nodes and resource.type in RESOURCES:
                needed += max(_per_minute(resource.check_interval_ms), _per_minute(resource.prepare_interval_ms))
    for monitor in cluster.monitors:
        if monitor.type in MONITORS and node in monitor.nodes:
            needed += _per_minute(monitor.interval_ms)
    return needed


def _per_minute(interval_ms: int) -> Fraction:
    # An interval that was refused already asks for nothing.
    return Fraction(MINUTE_MS, interval_ms) if interval_ms > 0 else Fraction(0)
