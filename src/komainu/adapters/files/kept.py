"""What the daemon keeps on disk while it runs, in the words it asks for: an answer instead of an exception."""

from datetime import UTC, datetime

from komainu.adapters.files import durable
from komainu.adapters.files.configuration import MARKS, NOT_WRITTEN, ConfigurationStore, StoreError
from komainu.model.config import Cluster
from komainu.model.facts import Noted
from komainu.model.message import Said
from komainu.model.provenance import Provenance

NOTE = "# Version {version} was taken over from another node; the file it was made from is there.\n"


class Kept:
    """`komainu.agent.keeper.Store` over the configuration store."""

    def __init__(self, store: ConfigurationStore) -> None:
        """The store must be initialised."""
        self._store = store

    def save_epoch(self, epoch: int) -> Said | None:
        """Remember the highest epoch seen; answers why that failed."""
        try:
            self._store.save_epoch(epoch)
        except StoreError as error:
            return error.said
        return None

    def save_vote_epoch(self, epoch: int) -> Said | None:
        """Remember the epoch of the newest vote record; answers why that failed."""
        try:
            self._store.save_vote_epoch(epoch)
        except StoreError as error:
            return error.said
        return None

    def save_maintenance(self, on: bool) -> Said | None:
        """Remember the maintenance switch; answers why that failed."""
        try:
            self._store.save_maintenance(on)
        except StoreError as error:
            return error.said
        return None

    def save_suspended(self, noted: Noted) -> Said | None:
        """Remember how far the suspension of the whole cluster has come; answers why that failed."""
        try:
            self._store.save_suspended(noted)
        except StoreError as error:
            return error.said
        return None

    def save_decided(self) -> Said | None:
        """Remember that no version with another third vote is in force anywhere; answers why that failed."""
        try:
            self._store.save_undecided(False)
        except StoreError as error:
            return error.said
        return None

    def save(self, cluster: Cluster) -> Said | None:
        """Make it the configuration that holds: one that was staged here, or taken over; answers why that failed."""
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            self._store.put_in_force(cluster, NOTE.format(version=cluster.version).encode(), Provenance(at))
        except StoreError as error:
            return error.said
        return None


class Committing:
    """`komainu.api.offline.Store` over the configuration store: the first day of a node, and its next version."""

    def __init__(self, store: ConfigurationStore) -> None:
        """Nothing is read yet."""
        self._store = store

    def init(self, cluster: Cluster, text: bytes, node: str) -> None:
        """Make this machine the node of that name. Raises StoreError, also when it belongs to a cluster already."""
        self._store.init(cluster, text, node)

    def next_version(self, name: str) -> int:
        """One more than the version that holds, if this node belongs to the cluster of that name; else 1."""
        try:
            return self._store.version() + 1 if self._store.load().name == name else 1
        except StoreError:
            return 1  # it belongs to none, or what it has cannot be read: `renew` begins anew

    def in_force(self) -> Cluster:
        """The configuration that holds. Raises StoreError, also when this machine is no node yet."""
        return self._store.load()

    def renew(self, cluster: Cluster, text: bytes, node: str) -> None:
        """As `init`, in place of what was there: a next version of the same cluster, else moved aside. StoreError."""
        if cluster.version > 1 and self._store.node() == node:
            self._store.commit(cluster, text)
            return
        try:
            self._move_aside(self._belonged_to(cluster.name))
        except OSError as error:
            reason = error.strerror or str(error)
            raise StoreError(
                NOT_WRITTEN.said(file=str(self._store.folder), reason=reason, folder=str(self._store.root))
            ) from error
        self._store.init(cluster, text, node)

    def _belonged_to(self, name: str) -> bool:
        """Whether what was there may be of the cluster of that name: what cannot be read may."""
        try:
            return self._store.load().name == name
        except StoreError:
            return True

    def _move_aside(self, same_cluster: bool) -> None:
        """Keep what was there, under a name of its own.

        A suspension, or the epoch of a vote, of another cluster means nothing in the new one and would keep it from
        starting. Those of the same cluster still hold: a node that begins anew is bound by them.
        """
        folder = self._store.folder
        if not folder.exists():
            return
        number = 1
        while (aside := folder.with_name(f"config.before-{number}")).exists():
            number += 1
        folder.rename(aside)  # first: without its marks the old configuration must not be what a daemon finds
        durable.sync_folder(folder.parent)
        if not same_cluster:
            for mark in MARKS:
                if (folder.parent / mark).exists():
                    (folder.parent / mark).rename(aside / mark)
            durable.sync_folder(aside)
            durable.sync_folder(folder.parent)
