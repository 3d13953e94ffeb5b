"""Ports that an application publishes, as parameters: `8080/tcp`, as in /etc/services."""

import re
from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import AfterValidator

from komainu.model.message import Message, Refused

NO_PORT = Message(
    "KM4051",
    "{text} is no port that could be published. Write its number and its protocol: `8080/tcp`, `53/udp`.",
    "{text} は公開するポートとして解釈できません。`8080/tcp`、`53/udp` のように番号とプロトコルを書いてください。",
    "error",
)
INTERCONNECT = Message(
    "KM4052",
    "Port {text} belongs to the interconnect of the cluster: a node that was cut off from it could never take part "
    "again. Let the application use another port.",
    "ポート {text} はクラスタのインタコネクトが使用します。遮断されるとノードがクラスタに復帰できなくなるため、"
    "アプリケーションには別のポートを使用してください。",
    "error",
)
MESSAGES = (NO_PORT, INTERCONNECT)

INTERCONNECT_PORTS: Final = range(5_405, 5_413)
"UDP: one for each of at most eight links."

_FORM = re.compile(r"([0-9]{1,5})/(tcp|udp)", re.ASCII)

Protocol = Literal["tcp", "udp"]


def port(text: str) -> tuple[Protocol, int]:
    """Protocol and number. Raises Refused for what is no port, and for those of the cluster itself."""
    form = _FORM.fullmatch(text)
    if form is None or not 1 <= int(form[1]) <= 65_535:
        raise Refused(NO_PORT.said(text=text))
    number, protocol = int(form[1]), form[2]
    if protocol == "udp" and number in INTERCONNECT_PORTS:
        raise Refused(INTERCONNECT.said(text=text))
    return ("tcp" if protocol == "tcp" else "udp", number)


def ports(texts: Iterable[str]) -> tuple[tuple[Protocol, int], ...]:
    """Those of valid texts."""
    return tuple(port(text) for text in texts)


def _valid(text: str) -> str:
    port(text)
    return text


Published = Annotated[str, AfterValidator(_valid)]
"""A port and its protocol."""
