"""The secret that nodes show to a witness: one line in a file that nobody else may read, on both sides."""

import os
import stat
from pathlib import Path

from komainu.model.message import Message, Said

LEAST, MOST_BYTES = 16, 4_096

NOT_READ = Message(
    "KM8641",
    "The file {file} with the token of the witness cannot be read ({reason}). The witness and every node need the "
    "same.",
    "Witness サーバのトークンファイル {file} を読み込めません ({reason})。Witness サーバと全ノードに同じファイルが"
    "必要です。",
    "error",
)
NOT_SECRET = Message(
    "KM8642",
    "The file {file} holds the token of the witness, but others may read or change it: it is not used. Run "
    "`chmod 600 {file}`, and make it belong to who uses it, or to root.",
    "Witness サーバのトークンファイル {file} を他のユーザが読み書きできるため、使用しません。`chmod 600 {file}"
    "` を実行し、所有者を使用者または root にしてください。",
    "error",
)
NO_TOKEN = Message(
    "KM8643",
    "The file {file} must hold the token of the witness in one line of {least} to {most} ASCII characters without "
    "spaces. `openssl rand -hex 32` makes one.",
    "ファイル {file} には、Witness サーバのトークンを、空白を含まない {least} から {most} 文字の ASCII の 1 行で"
    "書いてください。`openssl rand -hex 32` で作成できます。",
    "error",
)


class TokenTrouble(Exception):
    """There is no usable token; `said` has the reason and the remedy."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.en)
        self.said = said


def read_token(file: str | Path) -> str:
    """The token in the file. Raises TokenTrouble. Blocks: call it in a thread.

    A group may read it (a service manager hands it over like that), nobody else.
    """
    try:
        # Not a FIFO that waits for a writer, and no terminal of ours.
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            facts = os.fstat(descriptor)
            data = os.read(descriptor, MOST_BYTES + 1) if stat.S_ISREG(facts.st_mode) else b""
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:  # ValueError: no path at all
        reason = getattr(error, "strerror", None) or str(error)
        raise TokenTrouble(NOT_READ.said(file=str(file), reason=reason)) from error
    if facts.st_mode & 0o027 or facts.st_uid not in (0, os.geteuid()):
        raise TokenTrouble(NOT_SECRET.said(file=str(file)))
    token = data.decode("ascii", errors="replace").strip("\r\n")
    if not LEAST <= len(token) <= MOST_BYTES or not token.isascii() or not token.isprintable() or " " in token:
        raise TokenTrouble(NO_TOKEN.said(file=str(file), least=LEAST, most=MOST_BYTES))
    return token
