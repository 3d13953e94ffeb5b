"""Puts on disk what a restart has to find: the highest epoch, the maintenance switch, and a newer configuration."""

from collections.abc import Callable
from typing import Protocol

from komainu.agent.background import Background
from komainu.core.state import State
from komainu.model.config import Cluster
from komainu.model.message import Message, Said

TAKEN_OVER = Message(
    "KM5304",
    "This node took over version {version} of the configuration from the others; it held version {before}.",
    "構成情報のバージョン {version} を他のノードから取り込みました。このノードのバージョンは {before} でした。",
    "warning",
)
TRANSPORT_DIFFERS = Message(
    "KM5305",
    "Nodes, links or times of detection differ in the configuration that was taken over: they take effect when "
    "komainud of this node is restarted.",
    "取り込んだ構成情報ではノード、インタコネクト、検出時間のいずれかが異なります。"
    "これらはこのノードの komainud を再起動すると有効になります。",
    "warning",
)

MESSAGES = (TAKEN_OVER, TRANSPORT_DIFFERS)


class Store(Protocol):
    """What survives a restart of this node. Its methods write to disk, and answer why that failed, or None."""

    def save_epoch(self, epoch: int) -> Said | None:
        """Remember the highest epoch seen."""

    def save_maintenance(self, on: bool) -> Said | None:
        """Remember whether the maintenance switch is on."""

    def save(self, cluster: Cluster) -> Said | None:
        """Commit a newer configuration that was taken over."""


class Keeper:
    """Watches the state for what has to be kept; writing is done in the background."""

    def __init__(self, known: State, store: Store, background: Background, alert: Callable[[Said], None]) -> None:
        """`known` has what the disk has already."""
        self._cluster = known.cluster
        self._epoch = known.epoch
        self._maintenance = known.maintenance
        self._store = store
        self._background = background
        self._alert = alert
        self._trouble = ""

    def keep(self, state: State) -> None:
        """Have written what is new in this state."""
        if state.epoch > self._epoch:
            epoch = self._epoch = state.epoch
            self._background.do(lambda: self._write(lambda: self._store.save_epoch(epoch)), self._failed)
        if state.maintenance is not self._maintenance:
            on = self._maintenance = state.maintenance
            self._background.do(lambda: self._write(lambda: self._store.save_maintenance(on)), self._failed)
        if state.cluster is not self._cluster:
            before, self._cluster = self._cluster, state.cluster
            if state.cluster != before:
                self._changed(before, state.cluster)

    def _changed(self, before: Cluster, cluster: Cluster) -> None:
        self._alert(TAKEN_OVER.said(version=cluster.version, before=before.version))
        if (cluster.nodes, cluster.detect_within_ms) != (before.nodes, before.detect_within_ms):
            self._alert(TRANSPORT_DIFFERS.said())
        if cluster.version > before.version:
            self._background.do(lambda: self._write(lambda: self._store.save(cluster)), self._failed)

    def _write(self, write: Callable[[], Said | None]) -> None:
        """In the background."""
        trouble = write()
        self._background.hand_over(lambda: self._told(trouble))

    def _told(self, trouble: Said | None) -> None:
        """Say each trouble once, until it is over."""
        code = trouble.code if trouble is not None else ""
        if trouble is not None and code != self._trouble:
            self._alert(trouble)
        self._trouble = code

    def _failed(self, error: Exception) -> None:
        raise error  # a Store answers instead of raising; the loop's exception handler tells of a defect
