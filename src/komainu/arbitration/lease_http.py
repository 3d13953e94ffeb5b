"""`lease_http`: the third vote as one record on a witness, a small server of our own on any third machine (N3).

For clusters without AWS. The witness runs `komainu witness`; komainu.model.witness says how it is asked.
"""

from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from komainu.arbitration import lease_proof
from komainu.model import witness
from komainu.model.described import ja
from komainu.model.message import Message, Refused, Said
from komainu.ports import Held, HttpsAnswer, HttpsError, HttpsFault, HttpsRequest, LeaseHost, LeaseType, StoreSilent

UNREACHABLE = Message(
    "KM8601",
    "This node cannot reach the witness {place}. Does it run (`systemctl status komainu-witness`), and does the "
    "firewall let this node through?",
    "このノードから Witness サーバ {place} に接続できません。動作していること (`systemctl status komainu-witness`) と、"
    "ファイアウォールがこのノードからの接続を許可していることを確認してください。",
    "error",
)
NO_TLS = Message(
    "KM8602",
    "There is no secure connection to the witness {place}. Is its certificate valid for this name, not expired, and "
    "its CA known to this system, or given as `ca_file`?",
    "Witness サーバ {place} と TLS で接続できません。証明書の名前と有効期限、CA (システムの信頼ストアまたは "
    "`ca_file`) を確認してください。",
    "error",
)
NO_ANSWER = Message(
    "KM8603",
    "The witness {place} gave no answer. Whether a write was carried out is not known.",
    "Witness サーバ {place} から応答がありません。書き込みが行われたかどうか分かりません。",
    "error",
)
NO_TOKEN = Message(
    "KM8604",
    "The witness {place} was not asked: the token in {file} cannot be used on this node. The detail has the reason.",
    "{file} のトークンをこのノードで使用できないため、Witness サーバ {place} に問い合わせませんでした。理由は詳細を参照"
    "してください。",
    "error",
)
DENIED = Message(
    "KM8605",
    "The witness {place} does not accept the token of this node. {file} must hold the same here and on the witness, "
    "which reads it when it starts and on `systemctl reload komainu-witness`.",
    "Witness サーバ {place} がこのノードのトークンを拒否しました。{file} の内容を Witness サーバと同じにしてください。"
    "Witness サーバは起動時と `systemctl reload komainu-witness` の実行時にトークンを読み込みます。",
    "error",
)
FOREIGN = Message(
    "KM8606",
    "What answers at {place} is no witness (HTTP status {status}). Correct `url`, or what stands between.",
    "{place} で応答しているのは Witness サーバではありません (HTTP ステータス {status})。`url` または経路の途中の機器を"
    "確認してください。",
    "error",
)
FAILED = Message(
    "KM8607",
    "The witness {place} answered with an error (HTTP status {status}). Whether a write was carried out is not known. "
    "Its journal has the reason (`journalctl -u komainu-witness`).",
    "Witness サーバ {place} がエラーを返しました (HTTP ステータス {status})。書き込みが行われたかどうか分かりません。"
    "理由は Witness サーバのジャーナル (`journalctl -u komainu-witness`) を参照してください。",
    "error",
)
NO_URL = Message(
    "KM8608",
    "This is no URL of a witness: it begins with https://, names a host and perhaps a port, and nothing more.",
    "Witness サーバの URL として正しくありません。https:// で始まり、ホストと必要ならポートだけを含む URL を指定して"
    "ください。",
    "error",
)

MESSAGES = (
    *lease_proof.MESSAGES,
    *(UNREACHABLE, NO_TLS, NO_ANSWER, NO_TOKEN, DENIED, FOREIGN, FAILED, NO_URL),
)

_FAULTS = {
    HttpsFault.UNREACHABLE: UNREACHABLE,
    HttpsFault.NO_TLS: NO_TLS,
    HttpsFault.NO_ANSWER: NO_ANSWER,
    HttpsFault.NO_TOKEN: NO_TOKEN,
}
_DETAIL = 500
"Characters of an answer that are shown."

File = Annotated[str, StringConstraints(pattern=r"^/", max_length=4_000)]


class Params(BaseModel):
    """The parameters of a vote on a witness."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    url: str = Field(
        max_length=500, json_schema_extra=ja("Witness サーバの URL（例: `https://witness.example:7641`）。")
    )
    "Where the witness is, for example `https://witness.example:7641`."
    token_file: File = Field(
        json_schema_extra=ja(
            "Witness サーバのトークンを 1 行で書いたファイル。全ノードに必要で、root だけが読めること。"
        ),
    )
    "A file with the witness' token in one line: on every node, readable by root alone."
    ca_file: File | None = Field(
        default=None,
        json_schema_extra=ja("信頼する CA のファイル。全ノードに必要。省略時はシステムの信頼ストア。"),
    )
    "The file of the CAs to trust, on every node; by default those of the system."
    key: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$",
        json_schema_extra=ja("レコードの名前。省略時はクラスタ名。"),
    )
    "The name of the record; by default the cluster's name."

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        if not is_url(url):
            raise Refused(NO_URL.said())
        return url.rstrip("/")


class WitnessStore:
    """One record: `komainu.ports.VoteStore`."""

    def __init__(self, params: Params, host: LeaseHost, key: str | None = None) -> None:
        """`key`: another record than the cluster's."""
        self._params = params
        self._host = host
        self._key = key or params.key or host.cluster
        self._place = f"{params.url}/{self._key}"

    async def read(self, timeout_ms: int) -> Held | None:
        """What is there now, or None when there surely is nothing."""
        answer = await self._ask("GET", {}, "", timeout_ms)
        if answer.status == 404:
            return None
        if answer.status == 200 and (version := _version(answer)):
            return Held(version, answer.body)
        raise self._failed(answer)

    async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
        """Write the text if the version is still that one."""
        return await self._put({"If-Match": f'"{version}"'}, text, timeout_ms)

    async def create(self, text: str, timeout_ms: int) -> str | None:
        """Write the text if nothing is there."""
        return await self._put({"If-None-Match": "*"}, text, timeout_ms)

    async def examine(self, timeout_ms: int) -> tuple[Said, ...]:
        """Prove on the record `NAME.probe` that conditions hold."""
        beside = WitnessStore(self._params, self._host, f"{self._key}.probe")
        return await lease_proof.prove(beside, beside._place, timeout_ms)

    async def _put(self, condition: dict[str, str], text: str, timeout_ms: int) -> str | None:
        answer = await self._ask("PUT", condition, text, timeout_ms)
        if answer.status == 412:
            return None
        if answer.status == 200 and (version := _version(answer)):
            return version
        raise self._failed(answer)

    async def _ask(self, method: str, headers: dict[str, str], body: str, timeout_ms: int) -> HttpsAnswer:
        """An answer of the witness. Raises StoreSilent for what is none."""
        url = f"{self._params.url}{witness.PATH}{quote(self._key, safe='')}"
        told = {**headers, "Content-Type": "application/json"} if body else headers
        request = HttpsRequest(method, url, told, body, self._params.ca_file, self._params.token_file)
        try:
            answer = await self._host.https.ask(request, timeout_ms)
        except HttpsError as error:
            raise StoreSilent(self._said(_FAULTS[error.fault]), error.text) from error
        if answer.headers.get(witness.HEADER.lower()) != witness.FORMAT:
            raise StoreSilent(self._said(FOREIGN, answer.status), answer.body[:_DETAIL])
        return answer

    def _failed(self, answer: HttpsAnswer) -> StoreSilent:
        message = DENIED if answer.status == 401 else FAILED
        return StoreSilent(self._said(message, answer.status), answer.body[:_DETAIL])

    def _said(self, message: Message, status: int = 0) -> Said:
        return message.said(place=self._place, file=self._params.token_file, status=status)


def is_url(url: str) -> bool:
    """Can it be the URL of a witness?"""
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    bare = parts.path in ("", "/") and not parts.query and not parts.fragment and "@" not in parts.netloc
    return parts.scheme == "https" and bool(parts.hostname) and bare and port != 0


def _version(answer: HttpsAnswer) -> str:
    return answer.headers.get("etag", "").strip('"')


LEASE_HTTP = LeaseType(
    name="lease_http",
    title=Message("KM3071", "Third vote on a witness", "第三の投票 (Witness サーバ)"),
    description=Message(
        "KM3072",
        "The vote is one record on a witness: any third machine that runs `komainu witness`, and that both nodes reach "
        "on a path of its own.",
        "投票を、第三のマシンで動作する Witness サーバ (`komainu witness`) の 1 つのレコードで行う。両ノードから独立し"
        "た経路で接続できること。",
    ),
    params=Params,
    messages=MESSAGES,
    make=WitnessStore,
)
