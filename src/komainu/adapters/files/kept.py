"""What the daemon keeps on disk while it runs, in the words it asks for: an answer instead of an exception."""

from komainu.adapters.files.configuration import ConfigurationStore, StoreError
from komainu.model.config import Cluster
from komainu.model.message import Said

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

    def save(self, cluster: Cluster) -> Said | None:
        """Commit a newer configuration that was taken over; answers why that failed."""
        try:
            self._store.commit(cluster, NOTE.format(version=cluster.version).encode())
        except StoreError as error:
            return error.said
        return None
