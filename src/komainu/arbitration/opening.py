"""From a configuration to the store of its third vote."""

import json
from collections.abc import Mapping

from komainu.model.config import Cluster
from komainu.ports import Buckets, Https, LeaseHost, LeaseType, Tables, VoteStore


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
        """The store that the configuration names; None when it names none. Nothing is asked yet.

        Raises KeyError for a type, and pydantic.ValidationError for parameters, that this release does not know: a
        configuration that was accepted by another one.
        """
        lease = cluster.arbitration.lease
        if lease is None:
            return None
        declared = self._types[lease.type]
        region = cluster.aws.region if cluster.aws is not None else None
        host = LeaseHost(self._node, cluster.name, region, self._buckets, self._tables, self._https)
        return declared.make(declared.params.model_validate_json(json.dumps(lease.params), strict=True), host)
