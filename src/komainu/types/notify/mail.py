"""`mail`: alerts by SMTP (W5)."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from komainu.model.described import ja
from komainu.model.message import Message, Refused, Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed, unknown
from komainu.ports.notifiers import Notice, NotifierHost, NotifierType
from komainu.types.aside import Aside
from komainu.types.notify import letter, secret
from komainu.types.notify.secret import SecretFile, SecretTrouble, read_secret

STEP_MS = 10_000
"The longest wait for one answer of the server."
QUIT_S = 1.0
"A farewell that is not answered changes nothing."
PORTS = {"none": 25, "starttls": 587, "tls": 465}
LOOPBACK = ("localhost", "127.0.0.1", "::1")

NO_CONNECTION = Message(
    "KM3911",
    "Notification {name}: no connection to the mail server {host}, port {port}. Nothing was sent. The detail has the "
    "reason.",
    "通知 {name}: メールサーバ {host} のポート {port} に接続できないため送信していません。"
    "理由は詳細を参照してください。",
    "error",
)
NO_TLS = Message(
    "KM3912",
    "Notification {name}: no secure connection to {host}, port {port}. Nothing was sent. Is its certificate valid for "
    "this name, and its CA known to this system, or given as `ca_file`? Does `tls` fit the port?",
    "通知 {name}: {host} のポート {port} と TLS で接続できないため送信していません。証明書の名前と有効期限、CA "
    "(システムの信頼ストアまたは `ca_file`)、`tls` とポートの組み合わせを確認してください。",
    "error",
)
LOGIN_REFUSED = Message(
    "KM3913",
    "Notification {name}: {host} does not accept the user and the password. Correct `user`, or the content of "
    "`password_file`.",
    "通知 {name}: {host} がユーザ名とパスワードを受け付けません。"
    "`user` または `password_file` の内容を訂正してください。",
    "error",
)
REFUSED = Message(
    "KM3914",
    "Notification {name}: {host} refused the mail. The detail has its answer.",
    "通知 {name}: {host} がメールの受信を拒否しました。応答は詳細を参照してください。",
    "error",
)
SOME_REFUSED = Message(
    "KM3915",
    "Notification {name}: {host} took the mail, but not for {to}.",
    "通知 {name}: {host} はメールを受け付けましたが、宛先 {to} は拒否されました。",
    "warning",
)
NO_ANSWER = Message(
    "KM3916",
    "Notification {name}: it is not known whether {host} took the mail: its answer did not come.",
    "通知 {name}: {host} から応答がなく、メールが受け付けられたかどうか分かりません。",
    "warning",
)
CLEAR_PASSWORD = Message(
    "KM3917",
    "With `tls: none` the password would cross the network for anybody to read. Use `starttls` or `tls`, or leave "
    "`user` out.",
    "`tls: none` ではパスワードが暗号化されずに送信されます。`starttls` または `tls` を使用するか、`user` を省略して"
    "ください。",
    "error",
)
HALF_LOGIN = Message(
    "KM3918",
    "`user` and `password_file` belong together: give both or none.",
    "`user` と `password_file` は両方を指定するか、両方を省略してください。",
    "error",
)

MESSAGES = (
    *secret.MESSAGES,
    *(NO_CONNECTION, NO_TLS, LOGIN_REFUSED, REFUSED, SOME_REFUSED, NO_ANSWER, CLEAR_PASSWORD, HALF_LOGIN),
)

Address = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._%+-]+@[0-9A-Za-z.-]+$", max_length=254)]


class Params(BaseModel):
    """The parameters of a notification by mail."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    host: str = Field(
        min_length=1, max_length=253, pattern=r"^[0-9A-Za-z.:_-]+$", json_schema_extra=ja("メールサーバ。")
    )
    "The mail server."
    port: int | None = Field(
        default=None,
        ge=1,
        le=65_535,
        json_schema_extra=ja("ポート番号。既定値は `starttls` では 587、`tls` では 465、`none` では 25。"),
    )
    "Its port; by default 587 with `starttls`, 465 with `tls`, 25 with `none`."
    tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", json_schema_extra=ja("通信の暗号化。`starttls` と `tls` ではサーバ証明書を検証する。")
    )
    "How the connection is secured. With `starttls` and `tls` the server's certificate is verified."
    ca_file: str | None = Field(
        default=None, pattern="^/", json_schema_extra=ja("信頼する CA のファイル。省略時はシステムの信頼ストア。")
    )
    "The file of the CAs to trust; by default those of the system."
    user: str | None = Field(default=None, min_length=1, json_schema_extra=ja("認証のユーザ名。省略時は認証しない。"))
    "The user to log in as; by default nobody."
    password_file: SecretFile | None = Field(
        default=None, json_schema_extra=ja("パスワードを 1 行で書いたファイル。root だけが読めること。")
    )
    "A file with the password in one line, readable by root alone, on every node."
    sender: Address = Field(json_schema_extra=ja("送信者のメールアドレス。"))
    "The address it comes from."
    to: tuple[Address, ...] = Field(min_length=1, max_length=50, json_schema_extra=ja("宛先のメールアドレス。"))
    "The addresses it goes to."

    @model_validator(mode="after")
    def _login_is_whole_and_safe(self) -> "Params":
        if (self.user is None) != (self.password_file is None):
            raise Refused(HALF_LOGIN.said())
        if self.user is not None and self.tls == "none" and self.host not in LOOPBACK:
            raise Refused(CLEAR_PASSWORD.said())
        return self


class _Ended(Exception):
    """The attempt is over, with this outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome


class Mail:
    """One configured mail: `komainu.ports.NotifierHands`."""

    def __init__(self, params: Params, host: NotifierHost) -> None:
        self._params = params
        self._host = host
        self._aside: Aside[Outcome] = Aside(f"notification {host.notification}")
        self._port = params.port or PORTS[params.tls]

    async def send(self, notice: Notice, timeout_ms: int) -> Outcome:
        """One mail to all recipients."""
        try:
            return await self._aside.do(lambda: self._send(notice, timeout_ms), timeout_ms)
        except TimeoutError as error:
            return unknown(self._said(NO_ANSWER), str(error) or f"no answer within {timeout_ms} ms")
        except OSError as error:
            return failed(self._said(NO_CONNECTION), f"{error}")

    def _send(self, notice: Notice, timeout_ms: int) -> Outcome:
        """In a thread."""
        try:
            password = self._password()
            with self._connected(min(STEP_MS, timeout_ms) / 1000) as client:
                if password is not None:
                    self._log_in(client, password)
                return self._hand_over(client, self._mail(notice))
        except SecretTrouble as trouble:
            return failed(trouble.said)
        except _Ended as ended:
            return ended.outcome

    def _password(self) -> str | None:
        file = self._params.password_file
        return None if file is None else read_secret(self._host.notification, file)

    @contextmanager
    def _connected(self, step_s: float) -> Iterator[smtplib.SMTP]:
        """A connection as safe as configured; closed in the end, whatever happens."""
        client = self._connect(step_s)
        try:
            yield client
        except (OSError, smtplib.SMTPException) as error:  # before anything was handed over
            raise _Ended(failed(self._said(NO_CONNECTION), _told(error))) from error
        finally:
            with suppress(OSError, smtplib.SMTPException):
                if client.sock is not None:
                    client.sock.settimeout(QUIT_S)
                client.quit()
            client.close()

    def _connect(self, step_s: float) -> smtplib.SMTP:
        params, name = self._params, self._host.node
        client: smtplib.SMTP | None = None
        try:
            context = self._context()
            # Our own name is given: smtplib would ask the DNS for it, and wait.
            if params.tls == "tls":
                return smtplib.SMTP_SSL(params.host, self._port, name, timeout=step_s, context=context)
            client = smtplib.SMTP(params.host, self._port, name, timeout=step_s)
            if params.tls == "starttls":
                client.starttls(context=context)
        except (ssl.SSLError, smtplib.SMTPNotSupportedError, smtplib.SMTPResponseException) as error:
            _drop(client)
            message = NO_CONNECTION if isinstance(error, smtplib.SMTPConnectError) else NO_TLS
            raise _Ended(failed(self._said(message), _told(error))) from error
        except (OSError, smtplib.SMTPException) as error:
            _drop(client)
            raise _Ended(failed(self._said(NO_CONNECTION), _told(error))) from error
        return client

    def _context(self) -> ssl.SSLContext | None:
        if self._params.tls == "none":
            return None
        try:
            return ssl.create_default_context(cafile=self._params.ca_file)
        except (OSError, ValueError) as error:
            raise _Ended(failed(self._said(NO_TLS), f"{self._params.ca_file}: {_told(error)}")) from error

    def _log_in(self, client: smtplib.SMTP, password: str) -> None:
        assert self._params.user is not None
        try:
            client.login(self._params.user, password)
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, UnicodeError) as error:
            # An error of the encoding quotes what it could not encode: that is the password.
            detail = type(error).__name__ if isinstance(error, UnicodeError) else _told(error)
            raise _Ended(failed(self._said(LOGIN_REFUSED), detail)) from None

    def _hand_over(self, client: smtplib.SMTP, mail: bytes) -> Outcome:
        """The mail itself. Until its text is sent a failure is certain; after that only the server's word is."""
        params = self._params
        client.ehlo_or_helo_if_needed()
        self._accepted(client.mail(params.sender))
        answers = {address: client.rcpt(address) for address in params.to}
        refused = {address: answer for address, answer in answers.items() if answer[0] not in (250, 251)}
        if len(refused) == len(params.to):
            self._accepted(next(iter(refused.values())))
        try:
            code, text = client.data(mail)
        except smtplib.SMTPDataError as error:
            return failed(self._said(REFUSED), _told(error))
        except (OSError, smtplib.SMTPException) as error:
            return unknown(self._said(NO_ANSWER), _told(error))
        self._accepted((code, text))
        if not refused:
            return SUCCEEDED
        detail = "\n".join(f"{address}: {_answer(*answer)}" for address, answer in refused.items())
        said = SOME_REFUSED.said(name=self._host.notification, host=params.host, to=", ".join(refused))
        return Outcome(Result.SUCCEEDED, said, detail)

    def _accepted(self, answer: tuple[int, bytes]) -> None:
        if answer[0] not in (250, 251):
            raise _Ended(failed(self._said(REFUSED), _answer(*answer)))

    def _mail(self, notice: Notice) -> bytes:
        mail = EmailMessage(SMTP)
        mail["Subject"] = letter.subject(notice)[:400]
        mail["From"] = self._params.sender
        mail["To"] = ", ".join(self._params.to)
        mail["Date"] = formatdate()
        mail["Message-ID"] = make_msgid(domain=self._params.sender.rpartition("@")[2])
        # Vacation answers and the like must not come back.
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Komainu-Cluster"] = notice.cluster
        mail["X-Komainu-Level"] = notice.level
        mail.set_content(letter.body(notice))
        return mail.as_bytes()

    def _said(self, message: Message) -> Said:
        values = {"name": self._host.notification, "host": self._params.host}
        return message.said(**values, port=self._port)


def _drop(client: smtplib.SMTP | None) -> None:
    if client is not None:
        client.close()


def _told(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, error.smtp_error)
    return f"{type(error).__name__}: {error}"


def _answer(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"


MAIL = NotifierType(
    name="mail",
    title=Message("KM3061", "Mail", "メール"),
    description=Message(
        "KM3062",
        "Alerts are sent by SMTP to the given addresses.",
        "アラートを SMTP で指定のメールアドレスに送信する。",
    ),
    params=Params,
    messages=MESSAGES,
    make=Mail,
)
