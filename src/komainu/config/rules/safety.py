"""Times of detection and start-up that would be unsafe, and the region (C9)."""

import re
from collections.abc import Iterator

from komainu.config.problem import Finding, named
from komainu.model.config import Cluster
from komainu.model.message import Message

_TOKEN_MIN_MS = 130
"""Corosync cannot fit its retransmissions of the token into less."""

_FORMING_MS = 2_000
"""Each starting node is alone at first; corosync joins them within this time."""

_PATIENT_ON_AWS_MS = 1_000

DETECT_TOO_FAST = Message(
    "KM1251",
    "{value} ms is too short for {count} nodes: corosync would take a busy node for a lost one. Write {least} or more.",
    "{count} 台のノードに対して {value} ミリ秒は短すぎます。負荷の高いノードを停止と誤認します。{least} 以上に"
    "してください。",
    "error",
)
DETECT_TWICE = Message(
    "KM1252",
    "`detect_within_ms` and `preset` both say how soon a loss is noticed. Remove one of them.",
    "`detect_within_ms` と `preset` は同じことを指定します。どちらか一方を削除してください。",
    "error",
)
DETECT_EAGER = Message(
    "KM1253",
    "On AWS a virtual machine may pause for longer than {value} ms: it would be taken for lost though it lives. Use "
    "{least} or more unless you measured it.",
    "AWS では仮想マシンが {value} ミリ秒より長く止まることがあり、動いているノードを停止と誤認するおそれがあります。"
    "実測していない限り {least} 以上にしてください。",
    "warning",
)
SYNC_WAIT_SHORT = Message(
    "KM1254",
    "{value} ms is too short: nodes that start together need up to {least} ms to see each other, and each would start "
    "the groups alone. Write {least} or more.",
    "{value} ミリ秒は短すぎます。同時に起動したノードが互いを認識するまで最大 {least} ミリ秒かかり、"
    "それぞれが単独でグループを起動してしまいます。{least} 以上にしてください。",
    "error",
)
AWS_ON_PREMISES = Message(
    "KM1260",
    "The section `aws` has no meaning with `environment: onprem`. Remove it, or write `environment: aws`.",
    "`environment: onprem` では `aws` の節は意味を持ちません。削除するか、`environment: aws` にしてください。",
    "error",
)
REGION_UNUSUAL = Message(
    "KM1261",
    "{region} does not look like the name of an AWS region, such as `ap-northeast-1`: every call would fail.",
    "{region} は `ap-northeast-1` のような AWS リージョン名に見えません。API の呼び出しがすべて失敗します。",
    "warning",
)
MESSAGES = (DETECT_TOO_FAST, DETECT_TWICE, DETECT_EAGER, SYNC_WAIT_SHORT, AWS_ON_PREMISES, REGION_UNUSUAL)

_REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}")


def findings(cluster: Cluster) -> Iterator[Finding]:
    """Times and region."""
    yield from _times(cluster)
    if cluster.aws is not None:
        if cluster.environment == "onprem":
            yield Finding(("cluster", "aws"), AWS_ON_PREMISES.said(), at_key=True)
        elif cluster.aws.region and not _REGION.fullmatch(cluster.aws.region):
            yield Finding(("cluster", "aws", "region"), REGION_UNUSUAL.said(region=named(cluster.aws.region)))


def least_detection_ms(nodes: int) -> int:
    """The shortest safe `detect_within_ms`: token and consensus together, of which the token is at least 130 ms.

    With two nodes the token has two thirds of it; with more the consensus must be 1.2 times the token.
    """
    if nodes <= 2:
        return -(-_TOKEN_MIN_MS * 3 // 2)
    return -(-_TOKEN_MIN_MS * 22 // 10)


def _times(cluster: Cluster) -> Iterator[Finding]:
    value = cluster.detect_within_ms
    least = max(200, least_detection_ms(len(cluster.nodes)))
    if value < least:
        said = DETECT_TOO_FAST.said(value=value, count=len(cluster.nodes), least=least)
        yield Finding(("cluster", "detect_within_ms"), said)
    elif cluster.environment == "aws" and value < _PATIENT_ON_AWS_MS:
        said = DETECT_EAGER.said(value=value, least=_PATIENT_ON_AWS_MS)
        yield Finding(("cluster", "detect_within_ms"), said)
    wait, shortest = cluster.startup_sync_wait_ms, value + _FORMING_MS
    if len(cluster.nodes) > 1 and wait < shortest:
        yield Finding(("cluster", "startup_sync_wait_ms"), SYNC_WAIT_SHORT.said(value=wait, least=shortest))
