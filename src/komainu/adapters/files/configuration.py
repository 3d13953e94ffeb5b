"""The versions of the configuration and the node's own identity, under /var/lib/komainu.

    node                     the name of this node
    epoch                    the highest epoch this node has seen
    undecided                there while a version with another third vote may be in force on other nodes
    suspended                there while the whole cluster is suspended, or about to be, as far as this node knows
    vote-epoch               the epoch of the newest vote record it has seen
    maintenance              there while the maintenance switch is on
    config/cluster-3.json    version 3, all but what has its default, with a checksum
    config/cluster-3.yaml    the text it was made from
    config/current           the number of the version in force

`current` is written last: a version exists once it is named there, and a loss of power before that changes nothing.
A version that is only staged (C11) is a file with a higher number.
/etc/komainu/cluster.yaml is a proposal; nothing here reads it. There are no secrets in these files.
"""

import fcntl
import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from komainu.adapters.files import durable
from komainu.model.config import Cluster
from komainu.model.difference import divides
from komainu.model.facts import Noted
from komainu.model.message import Message, Said
from komainu.model.provenance import Provenance

ROOT = Path("/var/lib/komainu")
FORMAT = 1
MOST_VERSIONS = 100
"How many versions are kept; older ones cannot be rolled back to any more."
MARKS = ("undecided", "suspended", "vote-epoch", "maintenance")
"What a node has noted of its cluster."
_MAX_BYTES = 16_777_216

NOT_INITIALISED = Message(
    "KM1301",
    "This node belongs to no cluster yet: there is no configuration in {folder}. Run `komainu init` first.",
    "このノードはまだクラスタに属していません。{folder} に構成情報がありません。先に `komainu init` を実行して"
    "ください。",
    "error",
)
DAMAGED = Message(
    "KM1302",
    "{file} is damaged ({reason}), so it is not used: a wrong configuration could start a group twice. Restore "
    "{folder} from a backup, or copy the file from another node of the cluster.",
    "{file} が壊れている（{reason}）ため使用しません。誤った構成ではグループが二重に起動するおそれがあります。"
    "{folder} をバックアップから戻すか、クラスタのほかのノードからこのファイルをコピーしてください。",
    "error",
)
MISSING = Message(
    "KM1303",
    "{file} is missing although this node belongs to a cluster. Restore {folder} from a backup, or copy the file "
    "from another node of the cluster.",
    "このノードはクラスタに属していますが、{file} がありません。{folder} をバックアップから戻すか、クラスタのほかの"
    "ノードからこのファイルをコピーしてください。",
    "error",
)
TOO_NEW = Message(
    "KM1304",
    "{file} was written by a newer release of Komainu (format {format}). Install that release on this node.",
    "{file} は新しいリリースの Komainu が書いたものです（形式 {format}）。このノードにそのリリースをインストールして"
    "ください。",
    "error",
)
ALREADY = Message(
    "KM1305",
    "This node belongs to the cluster {cluster} already (version {version}); nothing was changed. To begin anew, "
    "stop komainud and move {folder} away.",
    "このノードはすでにクラスタ {cluster}（構成情報 第 {version} 版）に属しています。何も変更していません。"
    "初めからやり直すには、komainud を停止して {folder} を別の場所へ移してください。",
    "error",
)
NOT_A_NODE = Message(
    "KM1306",
    "The cluster {cluster} has no node {node}; its nodes are {known}. Give this machine's name as the configuration "
    "writes it.",
    "クラスタ {cluster} にノード {node} はありません（ノード: {known}）。構成に書かれているとおりの、このマシンの名前を"
    "指定してください。",
    "error",
)
NOT_NEWER = Message(
    "KM1307",
    "Version {version} cannot come into force: version {current} is in force already.",
    "第 {version} 版は有効にできません。すでに第 {current} 版が有効です。",
    "error",
)
NO_SUCH_VERSION = Message(
    "KM1308",
    "There is no version {version} of the configuration on this node. Kept versions: {known}.",
    "このノードに構成情報 第 {version} 版はありません。保存されている版: {known}。",
    "error",
)
NOT_WRITTEN = Message(
    "KM1309",
    "{file} could not be written durably ({reason}). Check the free space and the permissions of {folder}, then try "
    "again.",
    "{file} に確実に書き込めませんでした（{reason}）。{folder} の空き容量と権限を確認してから、"
    "もう一度実行してください。",
    "error",
)
NOT_READ = Message(
    "KM1310",
    "{file} could not be read ({reason}). Check the disk, and that komainud runs as root.",
    "{file} を読み込めませんでした（{reason}）。ディスクの状態と、komainud が root "
    "で動いていることを確認してください。",
    "error",
)
EPOCH_BACK = Message(
    "KM1311",
    "The epoch {epoch} was not written, because this node has seen {highest}: an epoch only grows.",
    "このノードはすでにエポック {highest} を確認しているため、{epoch} は書き込みませんでした。"
    "エポックは増える一方です。",
    "error",
)
BUSY = Message(
    "KM1312",
    "Another program is writing the configuration of this node; nothing was changed. Try again in a moment.",
    "ほかのプログラムがこのノードの構成を書き込み中です。何も変更していません。"
    "しばらくしてからもう一度実行してください。",
    "error",
)
MESSAGES = (
    *(NOT_INITIALISED, DAMAGED, MISSING, TOO_NEW, ALREADY, NOT_A_NODE, NOT_NEWER, NO_SUCH_VERSION, NOT_WRITTEN),
    *(NOT_READ, EPOCH_BACK, BUSY),
)


class StoreError(Exception):
    """The store cannot do what was asked; nothing was changed."""

    def __init__(self, said: Said) -> None:
        """`said` is the reason, with its remedy."""
        super().__init__(said.en)
        self.said = said


class ConfigurationStore:
    """The files of one node. Every method raises StoreError with the reason and the remedy."""

    def __init__(self, root: Path = ROOT) -> None:
        """Nothing is read or made yet."""
        self.root = root
        self.folder = root / "config"
        self._turn = threading.Lock()

    def init(self, cluster: Cluster, text: bytes, node: str) -> None:
        """Make this machine the node of that name in the cluster. Repeated with the same values it changes nothing."""
        names = [each.name for each in cluster.nodes]
        if node not in names:
            raise StoreError(NOT_A_NODE.said(cluster=cluster.name, node=node, known=", ".join(names)))
        self._make_folders()
        with self._alone():
            if self.initialised():
                held = self.load()
                if held != cluster or self.node() != node:
                    said = ALREADY.said(cluster=held.name, version=held.version, folder=str(self.root))
                    raise StoreError(said)
                return
            self._write(self.root / "node", f"{node}\n".encode())
            self._write(self.root / "epoch", b"0\n")
            self._write_version(cluster, text)

    def commit(self, cluster: Cluster, text: bytes) -> None:
        """Make a newer version the one that holds."""
        with self._alone():
            current = self.version()
            if cluster.version <= current:
                raise StoreError(NOT_NEWER.said(version=cluster.version, current=current))
            self._write_version(cluster, text)

    def stage(self, cluster: Cluster, text: bytes, provenance: Provenance) -> None:
        """Write a version down that may come into force, without touching the one that holds."""
        with self._alone():
            current = self.version()
            if cluster.version <= current:
                raise StoreError(NOT_NEWER.said(version=cluster.version, current=current))
            if divides(self.load(), cluster):
                # A boot before it is decided must not act by the old vote: the others may use the new one by then.
                self.save_undecided(True)
            self._write_files(cluster, text, provenance)

    def put_in_force(self, cluster: Cluster, text: bytes, provenance: Provenance) -> None:
        """Make this the version that holds, as the cluster has decided: the one that is staged, or another.

        Its number may be lower than that of the version before: when members with different histories meet, one
        history goes on. `text` and `provenance` count only where they were not staged.
        """
        with self._alone():
            self.version()
            if not self._has(cluster):
                self._write_files(cluster, text, provenance)
            self._write(self.folder / "current", f"{cluster.version}\n".encode())
            self.save_undecided(False)
            self._forget_old(cluster.version)

    def provenance(self, version: int | None = None) -> Provenance:
        """How a version came about."""
        about = self._envelope(self._known(version)).get("provenance")
        known = about if isinstance(about, dict) else {}
        return Provenance(*(str(known.get(key, "")) for key in ("at", "who", "why", "origin")))

    def initialised(self) -> bool:
        """True once `init` has finished on this node."""
        try:
            return (self.folder / "current").exists()
        except OSError as error:
            raise StoreError(NOT_READ.said(file=str(self.folder), reason=error.strerror or str(error))) from error

    def load(self, version: int | None = None) -> Cluster:
        """The configuration that holds, or an earlier version of it."""
        return self._load(self._known(version))

    def _load(self, wanted: int) -> Cluster:
        path = self._path(wanted)
        envelope = self._envelope(wanted)
        try:
            cluster = Cluster.model_validate(envelope["cluster"])
        except ValidationError as error:
            raise self._damaged(path, f"{error.error_count()} values are not possible") from error
        if cluster.version != wanted:
            raise self._damaged(path, f"it holds version {cluster.version}")
        return cluster

    def _envelope(self, wanted: int) -> dict[str, Any]:
        path = self._path(wanted)
        raw = self._read(path)
        try:
            envelope = json.loads(raw)
            written, checksum, body = envelope["format"], envelope["sha256"], envelope["cluster"]
        except (ValueError, RecursionError, TypeError, KeyError) as error:
            raise self._damaged(path, f"{type(error).__name__}: {error}") from error
        if isinstance(written, int) and written > FORMAT:
            raise StoreError(TOO_NEW.said(file=str(path), format=written))
        if checksum != _checksum(body):
            raise self._damaged(path, "the checksum is another one")
        return dict(envelope)

    def text(self, version: int | None = None) -> bytes:
        """The text that a version was made from, as the administrator wrote it."""
        return self._read(self.folder / f"cluster-{self._known(version)}.yaml")

    def version(self) -> int:
        """The number of the version that holds."""
        if not self.initialised():
            raise StoreError(NOT_INITIALISED.said(folder=str(self.folder)))
        path = self.folder / "current"
        return self._number(path, at_least=1)

    def versions(self) -> tuple[int, ...]:
        """Every version that was in force on this node and is kept, oldest first."""
        current = self.version()
        names = (re.fullmatch(r"cluster-([1-9][0-9]{0,17})\.json", path.name) for path in self.folder.iterdir())
        return tuple(sorted(number for name in names if name and (number := int(name[1])) <= current))

    def node(self) -> str:
        """The name of this node."""
        if not self.initialised():
            raise StoreError(NOT_INITIALISED.said(folder=str(self.folder)))
        path = self.root / "node"
        try:
            name = self._read(path).decode("ascii").removesuffix("\n")
        except UnicodeDecodeError as error:
            raise self._damaged(path, "it is not a name") from error
        names = [each.name for each in self.load().nodes]
        if name not in names:
            raise self._damaged(path, f"the cluster's nodes are {', '.join(names)}")
        return name

    def epoch(self) -> int:
        """The highest epoch this node has seen."""
        if not self.initialised():
            raise StoreError(NOT_INITIALISED.said(folder=str(self.folder)))
        return self._number(self.root / "epoch", at_least=0)

    def save_epoch(self, epoch: int) -> None:
        """Keep the epoch durably before it is used."""
        highest = self.epoch()
        if epoch < highest:
            raise StoreError(EPOCH_BACK.said(epoch=epoch, highest=highest))
        if epoch > highest:
            self._write(self.root / "epoch", f"{epoch}\n".encode())

    def vote_epoch(self) -> int:
        """The epoch of the newest vote record this node has seen; 0 when it has seen none."""
        if not self.initialised():
            raise StoreError(NOT_INITIALISED.said(folder=str(self.folder)))
        path = self.root / "vote-epoch"
        return self._number(path, at_least=0) if path.exists() else 0

    def save_vote_epoch(self, epoch: int) -> None:
        """Keep the epoch durably: an older record is an old copy, and must not be believed."""
        if epoch > self.vote_epoch():
            self._write(self.root / "vote-epoch", f"{epoch}\n".encode())

    def maintenance(self) -> bool:
        """Whether the maintenance switch was on when this node last heard of it."""
        if not self.initialised():
            raise StoreError(NOT_INITIALISED.said(folder=str(self.folder)))
        return (self.root / "maintenance").exists()

    def suspended(self) -> Noted:
        """What this node has noted of a suspension of the whole cluster."""
        if not self.initialised():
            raise StoreError(NOT_INITIALISED.said(folder=str(self.folder)))
        path = self.root / "suspended"
        if not path.exists():
            return Noted.NOT
        # Whatever else stands there: nothing starts, and what runs is bound by its right.
        return Noted.IN_FORCE if self._read(path).strip() == Noted.IN_FORCE.encode() else Noted.BEGUN

    def save_suspended(self, noted: Noted) -> None:
        """Keep durably how far the suspension has come: nothing may start here, also after a boot."""
        self._save_mark("suspended", noted)

    def undecided(self) -> bool:
        """Whether a version with another third vote was staged, and this node never heard what became of it."""
        if not self.initialised():
            raise StoreError(NOT_INITIALISED.said(folder=str(self.folder)))
        return (self.root / "undecided").exists()

    def save_undecided(self, on: bool) -> None:
        """Keep durably whether a version with another third vote may be in force elsewhere (rule 12)."""
        self._save_mark("undecided", "on" if on else "")

    def save_maintenance(self, on: bool) -> None:
        """Keep the maintenance switch durably: a restart of all nodes must not turn it off."""
        self._save_mark("maintenance", "on" if on else "")

    def _save_mark(self, name: str, mark: str) -> None:
        path = self.root / name
        if mark:
            self._write(path, f"{mark}\n".encode())
            return
        try:
            path.unlink(missing_ok=True)
            durable.sync_folder(path.parent)
        except OSError as error:
            raise self._not_written(path, error) from error

    def _write_version(self, cluster: Cluster, text: bytes) -> None:
        self._write_files(cluster, text, Provenance(_now(), why="komainu init"))
        self._write(self.folder / "current", f"{cluster.version}\n".encode())

    def _write_files(self, cluster: Cluster, text: bytes, provenance: Provenance) -> None:
        body = cluster.model_dump(mode="json", exclude_defaults=True)  # ADR 0010: an older release has to read it
        envelope = {"format": FORMAT, "sha256": _checksum(body), "provenance": asdict(provenance), "cluster": body}
        content = json.dumps(envelope, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
        self._write(self.folder / f"cluster-{cluster.version}.yaml", text)
        self._write(self._path(cluster.version), content.encode())

    def _has(self, cluster: Cluster) -> bool:
        """True when exactly this version lies there whole."""
        try:
            return self._load(cluster.version) == cluster
        except StoreError:
            return False

    def _forget_old(self, current: int) -> None:
        """Keep the last versions, so that the history is bounded."""
        for version in self.versions()[:-MOST_VERSIONS]:
            if version != current:
                for path in (self._path(version), self.folder / f"cluster-{version}.yaml"):
                    try:
                        path.unlink(missing_ok=True)
                    except OSError as error:
                        raise self._not_written(path, error) from error

    def _path(self, version: int) -> Path:
        return self.folder / f"cluster-{version}.json"

    def _known(self, version: int | None) -> int:
        current = self.version()
        if version is None or version == current:
            return current
        versions = self.versions()
        if version not in versions:
            raise StoreError(NO_SUCH_VERSION.said(version=version, known=", ".join(map(str, versions))))
        return version

    def _number(self, path: Path, at_least: int) -> int:
        raw = self._read(path)
        if not re.fullmatch(rb"(0|[1-9][0-9]{0,17})\n", raw) or int(raw) < at_least:
            raise self._damaged(path, "it is not a number")
        return int(raw)

    def _read(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                raw = file.read(_MAX_BYTES + 1)
        except FileNotFoundError as error:
            raise StoreError(MISSING.said(file=str(path), folder=str(self.root))) from error
        except OSError as error:
            raise StoreError(NOT_READ.said(file=str(path), reason=error.strerror or str(error))) from error
        if len(raw) > _MAX_BYTES:
            raise self._damaged(path, f"it is larger than {_MAX_BYTES} bytes")
        return raw

    def _write(self, path: Path, content: bytes) -> None:
        try:
            durable.replace(path, content)
        except OSError as error:
            raise self._not_written(path, error) from error

    def _make_folders(self) -> None:
        try:
            durable.make_folder(self.folder)
        except OSError as error:
            raise self._not_written(self.folder, error) from error

    def _not_written(self, path: Path, error: OSError) -> StoreError:
        reason = error.strerror or str(error)
        return StoreError(NOT_WRITTEN.said(file=str(path), reason=reason, folder=str(self.root)))

    def _damaged(self, path: Path, reason: str) -> StoreError:
        return StoreError(DAMAGED.said(file=str(path), reason=reason, folder=str(self.root)))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Turn a second writer away: two `komainu init` at once must not mix their files."""
        with self._turn:  # threads of this program wait for each other
            try:
                descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except FileNotFoundError as error:
                raise StoreError(NOT_INITIALISED.said(folder=str(self.folder))) from error
            except OSError as error:
                raise self._not_written(self.folder, error) from error
            try:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise StoreError(BUSY.said()) from error
                yield
            finally:
                os.close(descriptor)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _checksum(body: object) -> str:
    canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
