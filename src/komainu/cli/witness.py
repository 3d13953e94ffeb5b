"""`komainu witness`: keep the third vote of clusters on this machine, which is none of their nodes."""

from argparse import Namespace
from pathlib import Path

from komainu.cli.session import DONE, WRONG_USAGE, Commands, Session
from komainu.model.message import Message
from komainu.model.witness import WitnessSettings

NO_ADDRESS = Message(
    "KM8661",
    "{value} is no address to listen on: write ADDRESS:PORT, for example 192.0.2.10:7641 or [2001:db8::10]:7641.",
    "{value} は待ち受けアドレスとして正しくありません。192.0.2.10:7641 や [2001:db8::10]:7641 のように、アドレス:ポー"
    "トの形で指定してください。",
    "error",
)


def register(commands: Commands) -> None:
    """Add the command."""
    text = ("keep the third vote of clusters on this machine", "このマシンで第三の投票を管理する (Witness サーバ)")
    listen = ("where to listen", "待ち受けるアドレスとポート")
    state = ("the file of the records; it is made when it is missing", "状態ファイル。なければ作成する")
    certificate = ("the certificate, with what leads to its CA (PEM)", "証明書 (PEM、中間 CA を含む)")
    key = ("the private key of the certificate (PEM)", "証明書の秘密鍵 (PEM)")
    token = ("the secret that nodes show, in one line", "ノードが提示するトークンを 1 行で書いたファイル")
    (
        commands.add("witness", text, witness)
        .option("--listen", listen, metavar="ADDRESS:PORT", required=True)
        .option("--state", state, metavar="FILE", type=Path, required=True)
        .option("--cert", certificate, metavar="FILE", type=Path, required=True)
        .option("--key", key, metavar="FILE", type=Path, required=True)
        .option("--token-file", token, metavar="FILE", type=Path, required=True)
    )


def witness(session: Session, chosen: Namespace) -> int:
    """Serve until a signal ends it."""
    speech = session.speech
    place = address(chosen.listen)
    if place is None:
        speech.err(speech.said(NO_ADDRESS.said(value=chosen.listen)))
        return WRONG_USAGE
    settings = WitnessSettings(
        host=place[0],
        port=place[1],
        state=str(chosen.state.absolute()),
        certificate=str(chosen.cert),
        key=str(chosen.key),
        token_file=str(chosen.token_file),
    )
    session.offline().witness(settings, lambda said: speech.err(f"{said.code} {speech.said(said)}"))
    return DONE


def address(text: str) -> tuple[str, int] | None:
    """Address and port; None when it is none. An address of IPv6 stands in brackets."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return None
    if not host or not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        return None
    return host, int(port)
