"""Secrets of notifications: in files that root alone may read, never in the configuration and never in a log.

The configuration is shown by `komainu config show`, goes to every node and stays in its history; a secret has no
business there. It is read anew for each sending, so that it can be changed without touching the cluster.
"""

import os
import stat
from typing import Annotated

from pydantic import StringConstraints

from komainu.model.message import Message, Said

MOST_BYTES = 4_096

NOT_READ = Message(
    "KM3901",
    "Notification {name}: the file {file} cannot be read ({reason}), so nothing can be sent. Every node needs it.",
    "通知 {name}: ファイル {file} を読み込めないため送信できません ({reason})。このファイルは全ノードに必要です。",
    "error",
)
NOT_SECRET = Message(
    "KM3902",
    "Notification {name}: the file {file} holds a secret, but others than root may read or change it: it is not used. "
    "Run `chown root {file}` and `chmod 600 {file}`.",
    "通知 {name}: 秘密情報のファイル {file} を root 以外が読み書きできるため、使用しません。"
    "`chown root {file}` と `chmod 600 {file}` を実行してください。",
    "error",
)
NO_TEXT = Message(
    "KM3903",
    "Notification {name}: the file {file} must hold one line of text, at most {most} bytes.",
    "通知 {name}: ファイル {file} には {most} バイト以内の 1 行のテキストが必要です。",
    "error",
)

MESSAGES = (NOT_READ, NOT_SECRET, NO_TEXT)

SecretFile = Annotated[str, StringConstraints(pattern=r"^/", max_length=4_000)]
"""The absolute path of a file with a secret."""


class SecretTrouble(Exception):
    """There is no usable secret; `said` has the reason and the remedy."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.en)
        self.said = said


def read_secret(name: str, file: str) -> str:
    """The line in the file, for the notification of that name. Raises SecretTrouble. Blocks: call it in a thread."""
    try:
        # Not a FIFO that waits for a writer, and no terminal of ours.
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            facts = os.fstat(descriptor)
            open_to_others = facts.st_mode & 0o077 or facts.st_uid not in (0, os.geteuid())
            if not stat.S_ISREG(facts.st_mode):
                raise SecretTrouble(NO_TEXT.said(name=name, file=file, most=MOST_BYTES))
            if open_to_others:
                raise SecretTrouble(NOT_SECRET.said(name=name, file=file))
            data = os.read(descriptor, MOST_BYTES + 1)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:  # ValueError: no path at all
        reason = getattr(error, "strerror", None) or str(error)
        raise SecretTrouble(NOT_READ.said(name=name, file=file, reason=reason)) from error
    try:
        text = data.decode().strip("\r\n")
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isprintable() or len(data) > MOST_BYTES:
        raise SecretTrouble(NO_TEXT.said(name=name, file=file, most=MOST_BYTES))
    return text
