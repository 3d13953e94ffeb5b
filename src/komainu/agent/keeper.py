"""Puts on disk what a restart has to find: the epochs, a newer configuration, and the marks of the state.

Marks: the maintenance switch; that the whole cluster is suspended; that another third vote may be in force elsewhere.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from komainu.agent.background import Background
from komainu.core.state import Noted, State
from komainu.model.config import Cluster
from komainu.model.message import Message, Said

TAKEN_OVER = Message(
    "KM5304",
    "This node took over version {version} of the configuration from the others; it held version {before}.",
    "構成情報 第 {version} 版を他のノードから取り込みました。このノードでは第 {before} 版でした。",
    "warning",
)

NOTHING = ("", Noted.NOT)
NOT_WRITTEN = ("?", Noted.NOT)
"No suspension has this id: what could not be written is tried again."
RETRY_S = 5
"So soon."


class Store(Protocol):
    """What survives a restart of this node. Its methods write to disk, and answer why that failed, or None."""

    def save_epoch(self, epoch: int) -> Said | None:
        """Remember the highest epoch seen."""

    def save_vote_epoch(self, epoch: int) -> Said | None:
        """Remember the epoch of the newest vote record seen."""

    def save_maintenance(self, on: bool) -> Said | None:
        """Remember whether the maintenance switch is on."""

    def save_decided(self) -> Said | None:
        """Remember that what was staged and would have changed the third vote is in force nowhere."""

    def save_suspended(self, noted: Noted) -> Said | None:
        """Remember how far the suspension of the whole cluster has come: nothing starts here, also after a boot."""

    def save(self, cluster: Cluster) -> Said | None:
        """Make it the configuration that holds: one that was staged (C11), or taken over from others."""


class Keeper:
    """Watches the state for what has to be kept; writing is done in the background."""

    def __init__(
        self,
        known: State,
        store: Store,
        background: Background,
        alert: Callable[[Said], None],
        afterwards: Callable[[Callable[[], None]], None],
        reload: Callable[[Cluster], None],
        vote_epoch: int = 0,
    ) -> None:
        """`known` has what the disk has already, and so does `vote_epoch`.

        `afterwards` does something once nothing runs here that only the old configuration knows how to stop: a daemon
        that dies before that has to begin with the old one again. `reload` has the transport take over new settings.
        """
        self._cluster = known.cluster
        self._epoch = known.epoch
        self._maintenance = known.maintenance
        self.vote_epoch = vote_epoch
        "Of the newest vote record this node has seen."
        self._store = store
        self._background = background
        self._alert = alert
        self._afterwards = afterwards
        self._reload = reload
        self.noted: Callable[[str], None] = lambda _: None
        "Is told the id of a suspension of the cluster, begun or to be resumed, that is on the disk now."
        self._undecided = known.undecided
        self._asked = self._written = NOT_WRITTEN  # an earlier keeper may have failed, or known more than it wrote
        self._again: asyncio.TimerHandle | None = None
        self._closed = False
        self._coming: Cluster | None = None
        "The configuration that the members are about to put in force."
        self._trouble = ""

    def keep(self, state: State) -> None:
        """Have written what is new in this state."""
        if state.epoch > self._epoch:
            epoch = self._epoch = state.epoch
            self._do(lambda: self._write(lambda: self._store.save_epoch(epoch)))
        if state.maintenance is not self._maintenance:
            on = self._maintenance = state.maintenance
            self._do(lambda: self._write(lambda: self._store.save_maintenance(on)))
        now = state.suspension
        self._asked = NOTHING if now is None else (now.id, now.holds(state.nodes))
        self._keep_suspension()
        if state.cluster is not self._cluster:
            before, self._cluster = self._cluster, state.cluster
            if state.cluster != before:
                self._changed(before, state.cluster)
        was_open = self._coming is not None or self._undecided
        self._coming = state.change.cluster if state.change is not None else None
        self._undecided = state.undecided
        if was_open and self._coming is None and not self._undecided:
            self._do(lambda: self._write(self._store.save_decided))

    def _keep_suspension(self) -> None:
        if self._asked != self._written and self._again is None:
            asked = self._written = self._asked
            self._do(lambda: self._note_suspension(*asked))

    def _note_suspension(self, id_: str, noted: Noted) -> None:
        """In the background."""
        trouble = self._store.save_suspended(noted)
        self._background.hand_over(lambda: self._told(trouble))
        if trouble is not None:
            self._background.hand_over(self._try_again)
        elif noted is Noted.BEGUN:
            self._background.hand_over(lambda: self.noted(id_))

    def _try_again(self) -> None:
        self._written = NOT_WRITTEN
        if self._again is None and not self._closed:
            self._again = asyncio.get_running_loop().call_later(RETRY_S, self._retry)

    def _retry(self) -> None:
        self._again = None
        self._keep_suspension()

    def keep_vote_epoch(self, epoch: int) -> None:
        """Have written the epoch of the newest vote record seen, if it is new."""
        if epoch > self.vote_epoch:
            self.vote_epoch = epoch
            self._do(lambda: self._write(lambda: self._store.save_vote_epoch(epoch)))

    def close(self) -> None:
        """Try nothing again: what the next one knows holds."""
        self._closed = True
        if self._again is not None:
            self._again.cancel()

    def _changed(self, before: Cluster, cluster: Cluster) -> None:
        if cluster != self._coming:
            self._alert(TAKEN_OVER.said(version=cluster.version, before=before.version))
        self._afterwards(lambda: self._do(lambda: self._write(lambda: self._store.save(cluster))))
        if (cluster.nodes, cluster.detect_within_ms) != (before.nodes, before.detect_within_ms):
            # After the disk has it: whoever starts again has to find there what its transport works with.
            self._do(lambda: self._background.hand_over(lambda: self._reload(cluster)))

    def _do(self, work: Callable[[], None]) -> None:
        self._background.do(work, self._failed)

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
