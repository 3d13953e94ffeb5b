"""The corosync of this machine as the daemon asks for it: an answer instead of an exception."""

import shutil
from collections.abc import Callable

from komainu.adapters.corosync.conf import ConfRefusedError
from komainu.adapters.corosync.daemon import NOT_INSTALLED, CorosyncDaemon, CorosyncTrouble
from komainu.adapters.corosync.libcpg import load
from komainu.model.config import Cluster
from komainu.model.message import Message, Said

NOT_WRITTEN = Message(
    "KM2210",
    "Corosync's files cannot be written ({reason}): this node cannot take part in the cluster. Make space in, or "
    "repair, the file system of /etc/corosync.",
    "corosync のファイルに書き込めないため ({reason})、このノードはクラスタに参加できません。"
    "/etc/corosync のファイルシステムの空き容量と状態を確認してください。",
    "error",
)

NOT_RELOADED = Message(
    "KM2211",
    "Corosync on this node did not take over the new nodes, links or times ({reason}): it goes on with the old ones. "
    "Restart komainud on this node when its groups may move.",
    "このノードの corosync は新しいノード、インタコネクト、検出時間を取り込めませんでした ({reason})。以前の設定で"
    "動作を続けます。グループが移動してもよいときに、このノードの komainud を再起動してください。",
    "error",
)


def require_corosync() -> None:
    """Raises CorosyncTrouble or LibraryMissingError when corosync or its library is not installed."""
    load()
    if shutil.which("corosync") is None:
        raise CorosyncTrouble(NOT_INSTALLED.said(reason="there is no program of that name"))


class CorosyncTransport:
    """`komainu.agent.daemon.Transport`."""

    def __init__(self, authkey: bytes) -> None:
        """`authkey` is the secret of the cluster's links."""
        self._authkey = authkey
        self._daemon: CorosyncDaemon | None = None

    async def start(self, cluster: Cluster, report: Callable[[Said], None]) -> Said | None:
        """Make it run with this configuration and keep it running; answers why that failed."""
        self._daemon = self._daemon or CorosyncDaemon(report)
        try:
            await self._daemon.start(cluster, self._authkey)
        except CorosyncTrouble as trouble:
            return trouble.said
        except ConfRefusedError as refused:
            return refused.said[0]
        except OSError as error:
            return NOT_WRITTEN.said(reason=str(error))
        return None

    async def reload(self, cluster: Cluster) -> Said | None:
        """Take over nodes, links and times without leaving the ring; answers why that failed."""
        if self._daemon is None:
            return None  # it will be started with them
        try:
            await self._daemon.reload(cluster)
        except CorosyncTrouble as trouble:
            reason = trouble.said
        except ConfRefusedError as refused:
            reason = refused.said[0]
        except OSError as error:
            reason = NOT_WRITTEN.said(reason=str(error))
        else:
            return None
        return NOT_RELOADED.said(reason=reason)

    async def restart(self) -> Said | None:
        """It stands still: kill it and start it; answers why that failed. It is tried again by itself then."""
        if self._daemon is not None:
            try:
                await self._daemon.restart()
            except CorosyncTrouble as trouble:
                return trouble.said
        return None

    async def stop(self) -> Said | None:
        """Let it leave the ring and end; answers why that failed."""
        if self._daemon is not None:
            try:
                await self._daemon.stop()
            except CorosyncTrouble as trouble:
                return trouble.said
        return None

    async def close(self) -> None:
        """Look after it no more, and leave it running."""
        if self._daemon is not None:
            await self._daemon.close()
