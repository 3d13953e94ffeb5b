"""How long the start of an `awsvip` takes when many route tables have its row, over a slow API (V6).

Run by `make bench-routes`. The real type on the real adapter, against the lab's emulated API on loopback; each call
takes 200 ms. It prints a table and asserts that the routes are right, not how long it took.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from komainu.model.outcome import Result
from tests.ports.emulated_aws import EmulatedAws, NodeUnderTest, emulated_aws, params_of

DELAY_MS = 200
RUNS = 5
CASES = ((10, 0, 300), (10, 3, None), (50, 0, 1_200))
"""Route tables, how many of the calls are throttled once, and what was asked for."""
RESOURCE = "awsvip1"
WARM = 10
"""Connections that a daemon has open: its monitors call beside each other."""


def grown(aws: EmulatedAws, tables: int) -> None:
    """Make route tables with the row until there are so many."""
    while len(aws.built.tables) < tables:
        table = aws.ec2.create_route_table(VpcId=aws.built.vpc)["RouteTable"]["RouteTableId"]
        aws.ec2.create_route(RouteTableId=table, DestinationCidrBlock=aws.vip, NetworkInterfaceId=aws.eni("node2"))
        aws.built.tables[f"more{len(aws.built.tables)}"] = table


async def start_ms(aws: EmulatedAws, throttled: int) -> int:
    """One start on a node that is prepared, as in a takeover."""
    node = NodeUnderTest(aws, RESOURCE, **params_of(aws, RESOURCE))
    try:
        prepared = await node.hands.prepare()
        assert prepared.result is Result.SUCCEEDED, prepared
        await asyncio.gather(*(node.cloud.vpc_cidrs(aws.built.vpc, 20_000) for _ in range(WARM)))
        if throttled:
            aws.plan.add("throttle", actions=("ReplaceRoute",), times=throttled)
        aws.plan.add("delay", delay_ms=DELAY_MS)
        began = time.monotonic()
        outcome = await node.hands.start(30_000)
        took_ms = round((time.monotonic() - began) * 1000)
        assert outcome.result is Result.SUCCEEDED, outcome
        return took_ms
    finally:
        aws.plan.heal()
        await node.end()


def main() -> int:
    """Print the table."""
    print(f"start of awsvip, each call to the API takes {DELAY_MS} ms more; median of {RUNS} (least - greatest)")
    print(f"{'tables':>6}  {'throttled':>9}  {'wall ms':>20}  {'asked':>6}")
    with tempfile.TemporaryDirectory() as folder, emulated_aws(Path(folder)) as aws:
        for tables, throttled, asked_ms in CASES:
            grown(aws, tables)
            took: list[int] = []
            for _ in range(RUNS):
                aws.point("node2")
                took.append(asyncio.run(start_ms(aws, throttled)))
                assert aws.targets() == {aws.eni("node1")}, "not all routes point at the node that took over"
            shown = f"{statistics.median(took):.0f} ({min(took)} - {max(took)})"
            print(f"{len(aws.built.tables):>6}  {throttled:>9}  {shown:>20}  {asked_ms or '-':>6}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
