"""The secret of the cluster's links, where it survives a boot: /etc/komainu/authkey, readable by root alone."""

from pathlib import Path

from komainu.adapters.files import durable
from komainu.model.message import Message, Said

PATH = Path("/etc/komainu/authkey")
LEAST_BYTES = 128
MOST_BYTES = 4_096

MISSING = Message(
    "KM6040",
    "The key {file} is missing: without it this node cannot speak to the others. Copy it from another node of the "
    "cluster, owner root, mode 0400.",
    "鍵ファイル {file} がないため、他のノードと通信できません。クラスタの他のノードからコピーしてください "
    "(所有者 root、モード 0400)。",
    "error",
)
NOT_READ = Message(
    "KM6041",
    "The key {file} cannot be read ({reason}).",
    "鍵ファイル {file} を読み込めません ({reason})。",
    "error",
)
NOT_WRITTEN = Message(
    "KM6042",
    "The key {file} cannot be written ({reason}).",
    "鍵ファイル {file} に書き込めません ({reason})。",
    "error",
)
NOT_A_KEY = Message(
    "KM6043",
    "{file} has {count} bytes and cannot be the key: a key has {least} to {most}. Use the file /etc/komainu/authkey "
    "of the first node.",
    "{file} は {count} バイトのため鍵として使用できません (鍵は {least} から {most} バイト)。"
    "最初のノードの /etc/komainu/authkey を使用してください。",
    "error",
)


class KeyTrouble(Exception):
    """There is no usable key; `said` has the reason and the remedy."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.en)
        self.said = said


class AuthKey:
    """The key of this node."""

    def __init__(self, path: Path = PATH) -> None:
        """Nothing is read yet."""
        self.path = path

    def exists(self) -> bool:
        """True when there is one."""
        return self.path.exists()

    def read(self, path: Path | None = None) -> bytes:
        """The key of this node, or the one in another file. Raises KeyTrouble."""
        source = path or self.path
        try:
            with source.open("rb") as file:
                key = file.read(MOST_BYTES + 1)
        except FileNotFoundError as error:
            raise KeyTrouble(MISSING.said(file=str(source))) from error
        except OSError as error:
            raise KeyTrouble(NOT_READ.said(file=str(source), reason=error.strerror or str(error))) from error
        if not LEAST_BYTES <= len(key) <= MOST_BYTES:
            raise KeyTrouble(NOT_A_KEY.said(file=str(source), count=len(key), least=LEAST_BYTES, most=MOST_BYTES))
        return key

    def write(self, key: bytes) -> None:
        """Make this the key of this node. Raises KeyTrouble."""
        try:
            durable.make_folder(self.path.parent)
            durable.replace(self.path, key, mode=0o400)
        except OSError as error:
            raise KeyTrouble(NOT_WRITTEN.said(file=str(self.path), reason=error.strerror or str(error))) from error
