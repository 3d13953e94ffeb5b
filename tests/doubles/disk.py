"""What a node has on its disk, in memory: it outlives its daemons."""

from komainu.adapters.files.configuration import NO_SUCH_VERSION, StoreError
from komainu.model.config import Cluster
from komainu.model.facts import Noted
from komainu.model.message import Said
from komainu.model.provenance import Provenance, Version


class MemoryVersions:
    """`komainu.agent.judging.Versions`: a node's disk, which outlives its daemons."""

    def __init__(self, cluster: Cluster) -> None:
        self.held = [Version(cluster, Provenance("2026-11-22T10:00:00Z"), "# first")]
        self.staged: Version | None = None
        self.trouble: Said | None = None

    def stage(self, cluster: Cluster, text: str, who: str, why: str, origin: str) -> Said | None:
        if self.trouble is None:
            self.staged = Version(cluster, Provenance("2026-11-22T11:00:00Z", who, why, origin), text)
        return self.trouble

    def save(self, cluster: Cluster) -> None:
        """It holds from now on."""
        known = self.staged
        if known is None or known.cluster != cluster:
            known = Version(cluster, Provenance("2026-11-22T12:00:00Z"))
        self.held.append(known)

    def all(self) -> tuple[Version | Said, ...]:
        return tuple(self.held)

    def get(self, number: int) -> Version:
        for version in self.held:
            if version.cluster.version == number:
                return version
        raise StoreError(NO_SUCH_VERSION.said(version=number, known="..."))


class MemoryStore:
    """`komainu.agent.keeper.Store`."""

    def __init__(self) -> None:
        self.epochs: list[int] = []
        self.clusters: list[Cluster] = []
        self.versions: MemoryVersions | None = None
        self.maintenance: list[bool] = []
        self.suspended: list[Noted] = []
        self.tried = 0
        "How often that was to be written."
        self.vote_epochs: list[int] = []
        self.trouble: Said | None = None

    def save_epoch(self, epoch: int) -> Said | None:
        if self.trouble is None:
            self.epochs.append(epoch)
        return self.trouble

    def save_vote_epoch(self, epoch: int) -> Said | None:
        if self.trouble is None:
            self.vote_epochs.append(epoch)
        return self.trouble

    def save_decided(self) -> Said | None:
        return self.trouble

    def save_suspended(self, noted: Noted) -> Said | None:
        self.tried += 1
        if self.trouble is None:
            self.suspended.append(noted)
        return self.trouble

    def save_maintenance(self, on: bool) -> Said | None:
        if self.trouble is None:
            self.maintenance.append(on)
        return self.trouble

    def save(self, cluster: Cluster) -> Said | None:
        if self.trouble is None:
            self.clusters.append(cluster)
            if self.versions is not None:
                self.versions.save(cluster)
        return self.trouble
