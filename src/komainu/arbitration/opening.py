"""From a configuration to the store of its third vote."""

import json
from collections.abc import Mapping

from pydantic import ValidationError

from komainu.model.config import Cluster
from komainu.model.message import Message, Said
from komainu.ports import Buckets, Held, Https, LeaseHost, LeaseType, StoreSilent, Tables, VoteStore

NOT_KNOWN = Message(
    "KM8541",
    "This release of Komainu does not know the third vote of type {type}, or not all of its parameters. This node "
    "cannot win it. Install the same release on all nodes.",
    "このリリースの Komainu では、第三の投票のタイプ {type}、またはそのパラメータの一部を使用できません。このノードは"
    "投票を得られません。全ノードに同じリリースをインストールしてください。",
    "error",
)


class Stores:
    """Opens stores; all of them share the connections of this node."""

    def __init__(
        self, node: str, types: Mapping[str, LeaseType], buckets: Buckets, tables: Tables, https: Https
    ) -> None:
        """Opens nothing yet."""
        self._node = node
        self._types = types
        self._buckets = buckets
        self._tables = tables
        self._https = https

    def open(self, cluster: Cluster) -> VoteStore | None:
        """The store that the configuration names; None when it names none. Nothing is sent to it yet."""
        lease = cluster.arbitration.lease
        if lease is None:
            return None
        region = cluster.aws.region if cluster.aws is not None else None
        host = LeaseHost(self._node, cluster.name, region, self._buckets, self._tables, self._https)
        declared = self._types.get(lease.type)
        if declared is None:
            return Unknown(NOT_KNOWN.said(type=lease.type))
        try:
            params = declared.params.model_validate_json(json.dumps(lease.params), strict=True)
        except ValidationError as error:
            return Unknown(NOT_KNOWN.said(type=lease.type), str(error))
        declared.warm(params, host, cluster.arbitration.store_timeout_ms)
        return declared.make(params, host)


class Unknown:
    """A store that another release accepted and this one cannot ask: it is silent, and says why."""

    def __init__(self, said: Said, detail: str = "") -> None:
        self._silent = (said, detail)

    async def read(self, timeout_ms: int) -> Held | None:
        """Raises StoreSilent."""
        raise StoreSilent(*self._silent)

    async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
        """Raises StoreSilent."""
        raise StoreSilent(*self._silent)

    async def create(self, text: str, timeout_ms: int) -> str | None:
        """Raises StoreSilent."""
        raise StoreSilent(*self._silent)

    async def examine(self, timeout_ms: int) -> tuple[Said, ...]:
        """Raises StoreSilent."""
        raise StoreSilent(*self._silent)
