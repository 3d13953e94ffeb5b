"""`webhook`: alerts as JSON in a POST request (W5)."""

import hashlib
import hmac
import json
import ssl
import time
import urllib.request
from dataclasses import asdict
from typing import Annotated
from urllib.parse import urlsplit

import urllib3
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from komainu import __version__
from komainu.model.described import ja
from komainu.model.message import Message, Refused, Said
from komainu.model.outcome import SUCCEEDED, Outcome, failed, unknown
from komainu.ports.notifiers import Notice, NotifierHost, NotifierType
from komainu.types.aside import Aside
from komainu.types.notify import secret
from komainu.types.notify.secret import SecretFile, SecretTrouble, read_secret

CONNECT_S = 5.0
ANSWER_BYTES = 500
"So much of the answer is shown when it is no success."
FORMAT = 1
"The version of the body."
LOOPBACK = ("localhost", "127.0.0.1", "::1")
OWN_HEADERS = ("content-type", "content-length", "host", "authorization", "user-agent", "transfer-encoding")
"Set by ourselves, or from a file."
PREFIX = "x-komainu-"

UNREACHABLE = Message(
    "KM3921",
    "Notification {name}: no connection to {place}. Nothing was sent. The detail has the reason.",
    "通知 {name}: {place} に接続できないため送信していません。理由は詳細を参照してください。",
    "error",
)
NO_TLS = Message(
    "KM3922",
    "Notification {name}: no secure connection to {place}. Nothing was sent. Is its certificate valid for this name, "
    "and its CA known to this system, or given as `ca_file`?",
    "通知 {name}: {place} と TLS で接続できないため送信していません。証明書の名前と有効期限、CA (システムの信頼ストア"
    "または `ca_file`) を確認してください。",
    "error",
)
ANSWERED = Message(
    "KM3923",
    "Notification {name}: {place} answered with HTTP status {status}. The detail has the beginning of its answer.",
    "通知 {name}: {place} が HTTP ステータス {status} を返しました。応答の冒頭は詳細を参照してください。",
    "error",
)
ELSEWHERE = Message(
    "KM3924",
    "Notification {name}: {place} answered with a redirection (HTTP status {status}), which is not followed. Give the "
    "final URL.",
    "通知 {name}: {place} がリダイレクト (HTTP ステータス {status}) を返しました。リダイレクト先には送信しません。"
    "最終的な URL を指定してください。",
    "error",
)
NO_ANSWER = Message(
    "KM3925",
    "Notification {name}: it is not known whether {place} took the alerts: its answer did not come.",
    "通知 {name}: {place} から応答がなく、アラートが受け付けられたかどうか分かりません。",
    "warning",
)
ONE_URL = Message(
    "KM3926",
    "Give either `url` or `url_file`: the second when the URL itself is a secret.",
    "`url` と `url_file` のどちらか一方を指定してください。URL 自体が秘密の場合は `url_file` を使用します。",
    "error",
)
NO_URL = Message(
    "KM3927",
    "This is no URL of a webhook: it begins with https:// (or http://), names a host, and holds neither a user nor "
    "spaces.",
    "Webhook の URL として正しくありません。https:// (または http://) で始まり、ホスト名を含み、ユーザ名や空白を"
    "含まない URL を指定してください。",
    "error",
)
CLEAR_SECRET = Message(
    "KM3928",
    "With http:// the content of `authorization_file` would cross the network for anybody to read. Use https://.",
    "http:// では `authorization_file` の内容が暗号化されずに送信されます。https:// を使用してください。",
    "error",
)
RESERVED_HEADER = Message(
    "KM3929",
    "The header {header} cannot be given here: it is set by Komainu, or comes from a file.",
    "ヘッダ {header} はここでは指定できません。Komainu が設定するか、ファイルから読み込みます。",
    "error",
)

MESSAGES = (
    *secret.MESSAGES,
    *(UNREACHABLE, NO_TLS, ANSWERED, ELSEWHERE, NO_ANSWER, ONE_URL, NO_URL, CLEAR_SECRET, RESERVED_HEADER),
)

HeaderName = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", max_length=100)]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$", max_length=1_000)]


class Params(BaseModel):
    """The parameters of a notification by webhook."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    url: str | None = Field(default=None, max_length=2_000, json_schema_extra=ja("送信先の URL。"))
    "Where the alerts are posted."
    url_file: SecretFile | None = Field(
        default=None,
        json_schema_extra=ja("URL を 1 行で書いたファイル。URL が秘密の場合に使用する。root だけが読めること。"),
    )
    "A file with the URL in one line, for a URL that is a secret: readable by root alone, on every node."
    headers: dict[HeaderName, HeaderValue] = Field(default={}, json_schema_extra=ja("追加の HTTP ヘッダ。"))
    "Further headers. A secret does not belong here."
    authorization_file: SecretFile | None = Field(
        default=None,
        json_schema_extra=ja("`Authorization` ヘッダの値を 1 行で書いたファイル。root だけが読めること。"),
    )
    "A file with the value of the header `Authorization` in one line: readable by root alone, on every node."
    secret_file: SecretFile | None = Field(
        default=None,
        json_schema_extra=ja(
            "共有秘密を 1 行で書いたファイル。本文の HMAC-SHA256 を `X-Komainu-Signature` ヘッダで送る。"
            "root だけが読めること。"
        ),
    )
    (
        "A file with a shared secret in one line, readable by root alone, on every node: the header "
        "`X-Komainu-Signature` then proves by HMAC-SHA256 who sent the body."
    )
    ca_file: str | None = Field(
        default=None, pattern="^/", json_schema_extra=ja("信頼する CA のファイル。省略時はシステムの信頼ストア。")
    )
    "The file of the CAs to trust; by default those of the system."

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str | None) -> str | None:
        if url is not None and not is_url(url):
            raise Refused(NO_URL.said())
        return url

    @field_validator("headers")
    @classmethod
    def _are_free(cls, headers: dict[str, str]) -> dict[str, str]:
        for name in headers:
            if name.lower() in OWN_HEADERS or name.lower().startswith(PREFIX):
                raise Refused(RESERVED_HEADER.said(header=name))
        return headers

    @model_validator(mode="after")
    def _fits_together(self) -> "Params":
        if (self.url is None) == (self.url_file is None):
            raise Refused(ONE_URL.said())
        if self.url is not None and self.authorization_file is not None and not _is_safe(self.url):
            raise Refused(CLEAR_SECRET.said())
        return self


class Webhook:
    """One configured webhook: `komainu.ports.NotifierHands`."""

    def __init__(self, params: Params, host: NotifierHost) -> None:
        self._params = params
        self._host = host
        self._aside: Aside[Outcome] = Aside(f"notification {host.notification}")
        self._place = _place(params.url) if params.url is not None else "?"

    async def send(self, notice: Notice, timeout_ms: int) -> Outcome:
        """One request."""
        try:
            return await self._aside.do(lambda: self._send(notice, timeout_ms), timeout_ms)
        except TimeoutError as error:
            return unknown(self._said(NO_ANSWER), str(error) or f"no answer within {timeout_ms} ms")
        except OSError as error:
            return failed(self._said(UNREACHABLE), f"{error}")

    def _send(self, notice: Notice, timeout_ms: int) -> Outcome:
        """In a thread."""
        try:
            url = self._url()
            content = body(notice)
            headers = self._headers(content, url)
        except SecretTrouble as trouble:
            return failed(trouble.said)
        try:
            with _pool(url, self._params.ca_file, timeout_ms) as pool:
                answer = pool.request("POST", url, body=content, headers=headers, redirect=False, preload_content=False)
                try:
                    return self._judged(answer.status, answer.read(ANSWER_BYTES, decode_content=False))
                finally:
                    answer.close()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return self._failed(error, url)

    def _url(self) -> str:
        """Where to. Raises SecretTrouble."""
        if self._params.url is not None:
            return self._params.url
        assert self._params.url_file is not None
        url = read_secret(self._host.notification, self._params.url_file)
        if not is_url(url):
            raise SecretTrouble(NO_URL.said())
        self._place = _place(url)
        if self._params.authorization_file is not None and not _is_safe(url):
            raise SecretTrouble(CLEAR_SECRET.said())
        return url

    def _headers(self, content: bytes, url: str) -> dict[str, str]:
        """All of them. Raises SecretTrouble."""
        params, name = self._params, self._host.notification
        headers = {
            **params.headers,
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": f"komainu/{__version__}",
        }
        if params.authorization_file is not None:
            headers["Authorization"] = read_secret(name, params.authorization_file)
        if params.secret_file is not None:
            at = str(int(time.time()))
            headers["X-Komainu-Timestamp"] = at
            headers["X-Komainu-Signature"] = signature(read_secret(name, params.secret_file), at, content)
        return headers

    def _judged(self, status: int, answer: bytes) -> Outcome:
        detail = answer.decode(errors="replace").strip()
        if 200 <= status < 300:
            return SUCCEEDED
        message = ELSEWHERE if 300 <= status < 400 else ANSWERED
        said = message.said(name=self._host.notification, place=self._place, status=status)
        # A server that failed may have taken them before.
        return unknown(said, detail) if status >= 500 else failed(said, detail)

    def _failed(self, error: Exception, url: str) -> Outcome:
        detail = _told(error, url)
        # A file of CAs that is not there is said by the operating system, before anything is opened.
        if isinstance(error, urllib3.exceptions.SSLError | ssl.SSLError | FileNotFoundError):
            return failed(self._said(NO_TLS), detail)
        never_sent = (
            urllib3.exceptions.NewConnectionError,
            urllib3.exceptions.ConnectTimeoutError,
            urllib3.exceptions.ProxyError,
            urllib3.exceptions.LocationValueError,
        )
        if isinstance(error, never_sent):
            return failed(self._said(UNREACHABLE), detail)
        return unknown(self._said(NO_ANSWER), detail)

    def _said(self, message: Message) -> Said:
        return message.said(name=self._host.notification, place=self._place)


def body(notice: Notice) -> bytes:
    """What is posted."""
    told = {
        "format": FORMAT,
        "cluster": notice.cluster,
        "sender": notice.sender,
        "test": notice.test,
        "level": notice.level,
        "count": notice.count,
        "alerts": [asdict(alert) for alert in notice.alerts],
        "left_out": dict(notice.left_out),
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def signature(shared: str, at: str, content: bytes) -> str:
    """The value of `X-Komainu-Signature`: over the timestamp, a dot, and the body."""
    return "sha256=" + hmac.new(shared.encode(), at.encode() + b"." + content, hashlib.sha256).hexdigest()


def is_url(url: str) -> bool:
    """Can it be the URL of a webhook?"""
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and port != 0


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in LOOPBACK


def _place(url: str) -> str:
    """What may be shown of a URL: paths and queries of webhooks are often secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _told(error: Exception, url: str) -> str:
    text = f"{type(error).__name__}: {error}"
    path = url.removeprefix(_place(url))
    return text.replace(path, "...") if len(path) > 1 else text


def _pool(url: str, ca_file: str | None, timeout_ms: int) -> urllib3.PoolManager:
    """Connections for one request; through the proxy that the environment of the daemon names."""
    parts = urlsplit(url)
    timeout = urllib3.Timeout(connect=min(CONNECT_S, timeout_ms / 1000), total=timeout_ms / 1000)
    context = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy, retries=False, timeout=timeout, ssl_context=context)
    return urllib3.PoolManager(retries=False, timeout=timeout, ssl_context=context)


WEBHOOK = NotifierType(
    name="webhook",
    title=Message("KM3063", "Webhook", "Webhook"),
    description=Message(
        "KM3064",
        "Alerts are posted as JSON to a URL.",
        "アラートを JSON として URL に POST する。",
    ),
    params=Params,
    messages=MESSAGES,
    make=Webhook,
)
