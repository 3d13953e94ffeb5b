"""The versions of the configuration on this node: those that held, and the one that may come into force next (C11)."""

from datetime import UTC, datetime

from komainu.adapters.files.configuration import ConfigurationStore, StoreError
from komainu.model.config import Cluster
from komainu.model.message import Said
from komainu.model.provenance import Provenance, Version


class History:
    """`komainu.agent.judging.Versions` over the configuration store."""

    def __init__(self, store: ConfigurationStore) -> None:
        """The store must be initialised."""
        self._store = store

    def stage(self, cluster: Cluster, text: str, who: str, why: str, origin: str) -> Said | None:
        """Write it down durably, not yet in force; answers why that failed, or None."""
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            self._store.stage(cluster, text.encode(errors="replace"), Provenance(at, who, why, origin))
        except StoreError as error:
            return error.said
        return None

    def all(self) -> tuple[Version | Said, ...]:
        """Every version that is kept here, oldest first; for one that cannot be read, why. Raises StoreError."""
        found: list[Version | Said] = []
        for number in self._store.versions():
            try:
                found.append(self.get(number))
            except StoreError as error:
                found.append(error.said)
        return tuple(found)

    def get(self, number: int) -> Version:
        """One version. Raises StoreError, which says which versions there are."""
        store = self._store
        cluster = store.load(number)
        return Version(cluster, store.provenance(number), store.text(number).decode(errors="replace"))
