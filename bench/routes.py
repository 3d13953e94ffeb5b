"""How long the start of an `awsvip` takes when many route tables have its row, over a slow API (V6).

Run by `make bench-routes`. The real type on the real adapter, against the lab's emulated API on loopback; each call
takes 200 ms. The API is a process of its own: what it costs to be one is not to be counted as ours. It prints a table
and asserts that the routes are right, not how long it took.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

from komainu.adapters.aws.ec2 import Ec2Cloud
from komainu.catalogue import RESOURCE_TYPES
from komainu.model.outcome import Result
from komainu.ports import Host
from tests.doubles.network import FakeNetwork
from tests.ports.emulated_aws import HERE, PEER, emulated_aws, params_of

DELAY_MS = 200
RUNS = 7
CASES = ((10, 10, 0, 300), (10, 1, 0, 300), (10, 10, 3, None), (50, 10, 0, 1_200), (50, 1, 0, 1_200))
"""Route tables, connections that are open before, how many of the calls are throttled once, and what was asked for.

A daemon whose monitors have called beside each other has several open; one is what it has at least.
"""
RESOURCE = "awsvip1"


class Api:
    """The emulated API, in the process of the manager."""

    def __init__(self, folder: str) -> None:
        """Build and serve it until the process ends."""
        self._open = ExitStack()
        self._aws = self._open.enter_context(emulated_aws(Path(folder)))

    def end(self) -> None:
        """Serve no more."""
        self._open.close()

    def surroundings(self) -> dict[str, Any]:
        """What a node has to know of it."""
        aws = self._aws
        names = ("HOME", "AWS_CA_BUNDLE", "AWS_EC2_METADATA_SERVICE_ENDPOINT")
        return {
            "environment": {name: os.environ[name] for name in names},
            "region": aws.topology.region,
            "url": aws.url,
            "params": params_of(aws, RESOURCE),
            "enis": {node: aws.eni(node) for node in (HERE, PEER)},
        }

    def grow(self, tables: int) -> int:
        """Make route tables with the row until there are so many; how many there are."""
        aws = self._aws
        while len(aws.built.tables) < tables:
            table = aws.ec2.create_route_table(VpcId=aws.built.vpc)["RouteTable"]["RouteTableId"]
            aws.ec2.create_route(RouteTableId=table, DestinationCidrBlock=aws.vip, NetworkInterfaceId=aws.eni(PEER))
            aws.built.tables[f"more{len(aws.built.tables)}"] = table
        return len(aws.built.tables)

    def lose(self) -> None:
        """All routes point at the other node."""
        self._aws.point(PEER)

    def slow(self, throttled: int) -> None:
        """Every call takes its time, and so many of the writes are throttled once."""
        if throttled:
            self._aws.plan.add("throttle", actions=("ReplaceRoute",), times=throttled)
        self._aws.plan.add("delay", delay_ms=DELAY_MS)

    def heal(self) -> None:
        """As fast as it can be."""
        self._aws.plan.heal()

    def targets(self) -> set[str]:
        """Where the routes point."""
        return self._aws.targets()


class Apis(BaseManager):
    """Its process."""


Apis.register("Api", Api)


async def start_ms(api: Any, known: dict[str, Any], connections: int, throttled: int) -> int:
    """One start on a node that is prepared, as in a takeover."""
    cloud = Ec2Cloud(known["region"], known["url"])
    params = known["params"]
    made = RESOURCE_TYPES["awsvip"]
    host = Host(
        node=HERE,
        cluster="cluster1",
        group="failover1",
        resource=RESOURCE,
        cloud=cloud,
        network=FakeNetwork(lo="127.0.0.1/8", eth0="10.0.110.100/24"),
        processes=None,
        report=lambda outcome: None,
        now_ms=lambda: round(time.monotonic() * 1000),
        elsewhere={PEER: {"eni_id": known["enis"][PEER]}},
    )
    hands = made.make(made.params(**params), host)
    try:
        prepared = await hands.prepare()
        assert prepared.result is Result.SUCCEEDED, prepared
        await asyncio.gather(*(cloud.vpc_cidrs(params["vpc_id"], 20_000) for _ in range(connections)))
        api.slow(throttled)
        began = time.monotonic()
        outcome = await hands.start(30_000)
        took_ms = round((time.monotonic() - began) * 1000)
        assert outcome.result is Result.SUCCEEDED, outcome
        assert api.targets() == {known["enis"][HERE]}, "not all routes point at the node that took over"
        return took_ms
    finally:
        api.heal()
        await hands.stop(5_000)
        cloud.close()


def main() -> int:
    """Print the table."""
    print(f"start of awsvip, each call to the API takes {DELAY_MS} ms more; median of {RUNS} (least - greatest)")
    print(f"{'tables':>6}  {'open':>4}  {'throttled':>9}  {'wall ms':>20}  {'asked':>6}")
    with tempfile.TemporaryDirectory() as folder, Apis() as process:
        api: Any = process.Api(folder)
        known: dict[str, Any] = api.surroundings()
        os.environ.update(known["environment"])
        for tables, connections, throttled, asked_ms in CASES:
            there = api.grow(tables)
            took: list[int] = []
            for _ in range(RUNS):
                api.lose()
                took.append(asyncio.run(start_ms(api, known, connections, throttled)))
            shown = f"{statistics.median(took):.0f} ({min(took)} - {max(took)})"
            print(f"{there:>6}  {connections:>4}  {throttled:>9}  {shown:>20}  {asked_ms or '-':>6}", flush=True)
        api.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
