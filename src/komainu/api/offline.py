"""What can be asked of this machine's files, without a daemon: check a configuration, its schema, and the first day."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from komainu.agent.shown import safety, safety_explained
from komainu.config import read, schema
from komainu.config.problem import Problem
from komainu.model.config import Cluster
from komainu.model.message import Message, Said
from komainu.model.witness import WitnessSettings
from komainu.ports import FenceType, LeaseType, MonitorType, NotifierType, ResourceType

MOST_BYTES = 1_048_577
"One more than a configuration may have: the reader says what is wrong with a longer one."

NOT_READ = Message(
    "KM6030", "The file {file} cannot be read ({reason}).", "ファイル {file} を読み込めません ({reason})。", "error"
)

WITH_ERRORS = Message(
    "KM6031",
    "The file {file} has errors, so nothing can be imagined of it. `komainu config check {file}` names them all.",
    "ファイル {file} に誤りがあるため、経過を求められません。誤りは `komainu config check {file}` で確認できます。",
    "error",
)


UNSAFE_WITH_ERRORS = Message(
    "KM6032",
    "The file {file} has errors, so nothing can be said of its safety. `komainu config check {file}` names them all.",
    "ファイル {file} に誤りがあるため、安全性を説明できません。誤りは `komainu config check {file}` で確認できます。",
    "error",
)


class OfflineTrouble(Exception):
    """It cannot be done; `said` has the reason and the remedy."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.en)
        self.said = said


class Store(Protocol):
    """The versions of the configuration on this node. Raises exceptions that have a `said`."""

    def init(self, cluster: Cluster, text: bytes, node: str) -> None:
        """Make this machine the node of that name."""

    def renew(self, cluster: Cluster, text: bytes, node: str) -> None:
        """As `init`, in place of what was there."""

    def next_version(self, name: str) -> int:
        """The version that a new configuration of the cluster of that name would have on this node."""

    def in_force(self) -> Cluster:
        """The configuration that holds on this node."""


class Key(Protocol):
    """The secret of the links. Raises exceptions that have a `said`."""

    def exists(self) -> bool:
        """True when this node has one."""

    def read(self, path: Path | None = None) -> bytes:
        """This node's, or the one in another file."""

    def write(self, key: bytes) -> None:
        """Make it this node's."""


class Offline:
    """The operations of this file, with the neighbours that `komainu.compose` chose."""

    def __init__(
        self,
        types: Mapping[str, ResourceType],
        store: Store,
        key: Key,
        new_key: Callable[[], bytes],
        monitors: Mapping[str, MonitorType] = read.NONE,
        notifiers: Mapping[str, NotifierType] = read.NONE,
        leases: Mapping[str, LeaseType] = read.NONE,
        fences: Mapping[str, FenceType] = read.NONE,
        witness: Callable[[WitnessSettings, Callable[[Said], None]], None] | None = None,
    ) -> None:
        """Nothing is read yet. `new_key` makes a fresh secret; `witness` serves until a signal ends it."""
        self._types = types
        self._monitors = monitors
        self._notifiers = notifiers
        self._leases = leases
        self._fences = fences
        self._store = store
        self._key = key
        self._new_key = new_key
        self._witness = witness

    def check(self, file: Path) -> dict[str, Any]:
        """`cluster` (its name, or None when there is an error) and all `problems`. Raises OfflineTrouble."""
        reading = self._read(_bytes(file))
        name = reading.cluster.name if reading.cluster is not None else None
        return {"cluster": name, "problems": [_problem(each) for each in reading.problems]}

    def witness(self, settings: WitnessSettings, report: Callable[[Said], None]) -> None:
        """Keep the third vote of clusters until a signal ends it. Raises what has a `said`."""
        if self._witness is None:
            raise NotImplementedError("this machine has no witness")
        self._witness(settings, report)

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of `cluster.yaml`."""
        return schema.schema(
            self._types.values(),
            self._monitors.values(),
            self._notifiers.values(),
            self._leases.values(),
            self._fences.values(),
        )

    def explain_safety(self, file: Path | None) -> dict[str, Any]:
        """What a configuration protects from, in words (N5): of a file, or with None of the one that holds here.

        `cluster`, `version` (None of a file), `language`, `kind`, `strength`, `problems` and `chapters`, each with a
        `title` and `sentences`. Raises OfflineTrouble, and what the store raises.
        """
        problems: tuple[Problem, ...] = ()
        if file is None:
            cluster, version = self._store.in_force(), True
        else:
            reading, version = self._read(_bytes(file)), False
            if reading.cluster is None:
                raise OfflineTrouble(UNSAFE_WITH_ERRORS.said(file=str(file)))
            cluster, problems = reading.cluster, reading.problems
        return {
            "cluster": cluster.name,
            "version": cluster.version if version else None,
            "language": cluster.language,
            "kind": cluster.arbitration.kind,
            "strength": safety.strength(cluster),
            "problems": list(map(_problem, problems)),
            "chapters": [
                {"title": chapter.title.as_json(), "sentences": [said.as_json() for said in chapter.sentences]}
                for chapter in safety_explained.chapters(cluster, self._types)
            ],
        }

    def what_if(self, file: Path, asked: dict[str, Any]) -> dict[str, Any]:
        """What would happen to a formed cluster of that file in which everything runs; as the operation `what-if`.

        Raises OfflineTrouble, and operation.OperationRefused for what cannot happen there.
        """
        from komainu.api import foresight  # the decisions: only this command needs them

        reading = self._read(_bytes(file))
        if reading.cluster is None:
            raise OfflineTrouble(WITH_ERRORS.said(file=str(file)))
        return foresight.imagine(reading.cluster, asked)

    def init(self, file: Path, node: str, key_file: Path | None, *, force: bool) -> dict[str, Any]:
        """Make this machine a node: `cluster`, `version`, `problems`, `new_key` (True when one was made).

        `cluster` is None when the file has errors; then nothing was changed. Raises what store and key raise.
        """
        text = _bytes(file)
        reading = self._read(text)
        if reading.cluster is not None and force:
            reading = self._read(text, self._store.next_version(reading.cluster.name))
        answer = {"cluster": None, "version": 0, "new_key": False, "problems": list(map(_problem, reading.problems))}
        cluster = reading.cluster
        if cluster is None:
            return answer
        given = self._key.read(key_file) if key_file is not None else None
        if force:
            self._store.renew(cluster, text, node)
        else:
            self._store.init(cluster, text, node)
        # Only now: the key of another cluster must not be lost to a refusal.
        new = given is None and not self._key.exists()
        if given is not None or new:
            self._key.write(given if given is not None else self._new_key())
        return {**answer, "cluster": cluster.name, "version": cluster.version, "new_key": new}

    def _read(self, text: bytes, version: int = 1) -> read.Reading:
        return read.read(
            text,
            self._types,
            version,
            monitors=self._monitors,
            notifiers=self._notifiers,
            leases=self._leases,
            fences=self._fences,
        )


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            return source.read(MOST_BYTES)
    except OSError as error:
        raise OfflineTrouble(NOT_READ.said(file=str(file), reason=error.strerror or str(error))) from error


def _problem(problem: Problem) -> dict[str, Any]:
    return {"line": problem.line, "column": problem.column, "path": problem.path, **problem.said.as_json()}
