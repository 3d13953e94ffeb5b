"""`http`: does a web server answer as it should (C6, A4)? One request a check, over a connection of its own.

A redirect is an answer like any other: it is not followed. No proxy is used, whatever the environment says.
"""

import errno
import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from komainu.model.described import ja
from komainu.model.message import Message, Refused, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.ports import MonitorHost, MonitorTraits, MonitorType
from komainu.types import command, http_messages as say
from komainu.types.aside import Aside
from komainu.types.budget import own
from komainu.types.resolving import is_own

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

_WARNINGS: Final = {
    say.TIMEOUT: say.WARN_TIMEOUT,
    say.UNREACHABLE: say.WARN_UNREACHABLE,
    say.NO_NAME: say.WARN_NO_NAME,
}
_SAYS_NO: Final = (errno.ECONNREFUSED, errno.ECONNRESET)
_SILENT: Final = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EAFNOSUPPORT)
_SEARCHED_BYTES: Final = 1_048_576
"So much of an answer is searched for the text."
_PIECE_BYTES: Final = 65_536
_QUOTED_BYTES: Final = 500
"So much of an unexpected answer stands in the detail."


class HttpParams(BaseModel):
    """What is asked for, and what has to be answered."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    url: str = Field(max_length=2_000, json_schema_extra=ja("要求先の URL。http または https。"))
    "What to ask for, `http` or `https`."
    method: Literal["GET", "HEAD"] = Field(
        default="GET", json_schema_extra=ja("HTTP メソッド。HEAD は本文を求めない。")
    )
    "HEAD asks for no text."
    expected_status: tuple[int, ...] = Field(
        default=(200,), min_length=1, json_schema_extra=ja("正常とみなすステータスコード。")
    )
    "The status codes that are right. A redirect is not followed: name its code here if it is right."
    text: str = Field(
        default="", max_length=1_000, json_schema_extra=ja("応答の先頭 1 MiB に含まれるべき文字列。空なら確認しない。")
    )
    "A text that the first MiB of the answer has to contain; empty for any answer."
    verify: bool = Field(
        default=True, json_schema_extra=ja("サーバ証明書を検証する。false なら任意の証明書を受け入れる。")
    )
    "Whether the server's certificate is verified. With `false` any is accepted."
    ca_file: str = Field(
        default="", json_schema_extra=ja("検証に使う認証局証明書のファイル（絶対パス）。省略時はシステムのもの。")
    )
    "A file with the certificates of the authorities to trust, an absolute path; the system's when empty."
    no_answer: Literal["error", "caution"] = Field(
        default="error",
        json_schema_extra=ja(
            "応答がない場合（タイムアウト、到達不能、名前解決の失敗）の扱い。誤った応答や拒否は常に異常とする。"
        ),
    )
    (
        "What it means when nothing answers in time, there is no route, or the name is not resolved. A wrong answer or "
        "a refusal is an error."
    )

    @field_validator("url")
    @classmethod
    def _can_be_asked(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            right = False
        if not right or parts.username is not None or not value.isascii() or not value.isprintable() or " " in value:
            raise Refused(say.BAD_URL.said(url=value))
        return value

    @field_validator("ca_file")
    @classmethod
    def _absolute(cls, value: str) -> str:
        return command.absolute(value) if value else value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.text and self.method == "HEAD":
            raise Refused(say.HEAD_HAS_NO_TEXT.said())
        if self.ca_file and not self.url.startswith("https:"):
            raise Refused(say.NO_TLS.said(why="http"))
        if self.ca_file and not self.verify:
            raise Refused(say.NO_TLS.said(why="verify: false"))
        return self


class Http:
    """One web server, asked from one node: `komainu.ports.MonitorHands`."""

    def __init__(self, params: HttpParams, host: MonitorHost) -> None:
        self._params = params
        self._parts: SplitResult = urlsplit(params.url)
        self._names = {"monitor": host.monitor, "url": params.url}
        self._aside: Aside[Outcome] = Aside(f"ask for {host.monitor}")
        self._trusted: ssl.SSLContext | None = None
        self._connection: HTTPConnection | None = None

    async def begin(self) -> None:
        """Nothing is resident. The certificates are read anew in each round of checks."""
        self._trusted = None

    async def check(self, timeout_ms: int) -> Outcome:
        """SUCCEEDED when the server answered as expected."""
        limit_ms = own(timeout_ms)
        try:
            return await self._aside.do(lambda: self._ask(limit_ms / 1000), limit_ms)
        except TimeoutError as error:
            return self._no_answer(say.TIMEOUT, str(error) or f"no answer after {limit_ms} ms")
        except OSError as error:
            return unknown(self._said(say.NOT_TRIED), str(error))
        finally:
            self._break_off()

    async def end(self) -> None:
        """Nothing is left behind: each check closes its connection."""
        self._break_off()

    def _break_off(self) -> None:
        """Wake a thread that still reads: a server that answers byte by byte would keep it for ever."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                # Not SSLSocket's: that one would take the session from under the reading thread.
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    # --- in the thread ---------------------------------------------------------------------------------------------

    def _ask(self, limit_s: float) -> Outcome:
        from urllib3 import exceptions

        try:
            connection = self._connection = self._connect(limit_s)
        except (OSError, ssl.SSLError) as error:
            return unknown(self._said(say.NO_CA, path=self._params.ca_file or "the system"), str(error))
        try:
            return self._converse(connection)
        except exceptions.NameResolutionError as error:
            return self._no_answer(say.NO_NAME, str(error))
        except exceptions.NewConnectionError as error:
            return self._not_connected(error)
        except (exceptions.ConnectTimeoutError, exceptions.ReadTimeoutError, TimeoutError) as error:
            return self._no_answer(say.TIMEOUT, str(error))
        except (exceptions.SSLError, ssl.SSLError) as error:
            return failed(self._said(say.TLS), str(error))
        except (exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            return failed(self._said(say.GARBLED), f"{type(error).__name__}: {error}")
        finally:
            self._connection = None
            connection.close()

    def _connect(self, limit_s: float) -> "HTTPConnection":
        # Not before it is needed: the type is known to every daemon, and this import takes its time.
        from urllib3.connection import HTTPConnection, HTTPSConnection

        host = self._parts.hostname or ""
        if self._parts.scheme == "http":
            return HTTPConnection(host, self._parts.port or 80, timeout=limit_s)
        if self._trusted is None:
            self._trusted = ssl.create_default_context(cafile=self._params.ca_file or None)
            if not self._params.verify:
                self._trusted.check_hostname = False
                self._trusted.verify_mode = ssl.CERT_NONE
        return HTTPSConnection(host, self._parts.port or 443, timeout=limit_s, ssl_context=self._trusted)

    def _converse(self, connection: "HTTPConnection") -> Outcome:
        params = self._params
        path = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        headers = {"User-Agent": "komainu", "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
        connection.request(params.method, path, headers=headers, preload_content=False)
        answer = connection.getresponse()
        if answer.status not in params.expected_status:
            begun = answer.read(_QUOTED_BYTES).decode(errors="replace")
            return failed(self._said(say.STATUS, status=answer.status), begun)
        if not params.text:
            return SUCCEEDED
        wanted, read = params.text.encode(), b""
        while wanted not in read and len(read) < _SEARCHED_BYTES:
            piece = answer.read1(_PIECE_BYTES)
            if not piece:
                return failed(self._said(say.NO_TEXT), read[:_QUOTED_BYTES].decode(errors="replace"))
            read += piece
        return SUCCEEDED if wanted in read else failed(self._said(say.NO_TEXT), "not in the first MiB")

    def _not_connected(self, error: Exception) -> Outcome:
        reason = error.__cause__
        number = reason.errno if isinstance(reason, OSError) else None
        if number in _SAYS_NO:
            return failed(self._said(say.REFUSED), str(error))
        if number in _SILENT or number == errno.ETIMEDOUT:
            return self._no_answer(say.UNREACHABLE, str(error))
        return unknown(self._said(say.NOT_TRIED), str(error))

    # --- words -----------------------------------------------------------------------------------------------------

    def _no_answer(self, message: Message, detail: str) -> Outcome:
        if self._params.no_answer == "error":
            return failed(self._said(message), detail)
        return Outcome(Result.SUCCEEDED, self._said(_WARNINGS[message]), detail)

    def _said(self, message: Message, **more: str | int) -> Said:
        return message.said(**self._names, **more)


def _asks(params: Mapping[str, Any]) -> str:
    url = params.get("url")
    try:
        own_one = is_own(urlsplit(url).hostname) if isinstance(url, str) else True
    except ValueError:  # a bracket is missing: the parameter itself is refused
        return ""
    return "" if own_one else str(url)


HTTP = MonitorType(
    name="http",
    title=say.TITLE,
    description=say.DESCRIPTION,
    params=HttpParams,
    per_node_required=(),
    traits=MonitorTraits(interval_ms=30_000, timeout_ms=10_000, retries=1),
    messages=say.ALL,
    make=Http,
    asks=_asks,
)
