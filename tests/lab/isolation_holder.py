"""In a machine of the lab: a right that is extended again and again, and a node whose effects rest on it.

`python -m tests.lab.isolation_holder ADDRESS [db] [once] [unwatched]`: `db` runs what only a reset ends, `once`: the
right is extended once and then ends, `unwatched`: there is no watchdog.
"""

import asyncio
import sys
from pathlib import Path

from komainu.adapters.linux.isolation import NftIsolation
from komainu.adapters.linux.power import LinuxPower
from komainu.adapters.linux.watchdog import LinuxWatchdog
from komainu.agent.clock import now_ms
from komainu.agent.ending import Ending
from komainu.agent.rights.isolation import Isolation
from komainu.agent.rights.watchdog_shares import Shares
from komainu.catalogue import RESOURCE_TYPES
from komainu.core.state import Hold, NodeFacts, Presence, Status, initial
from komainu.model.config import Group
from komainu.model.message import Said
from tests.unit.core.clusters import cluster, remade, resource

RIGHT_MS = 1_500


def alert(said: Said) -> None:
    print(said.code, said.en, flush=True)


async def written() -> None:
    return


async def main(address: str, *words: str) -> None:
    """Hold until killed; or once."""
    shares = Shares(LinuxWatchdog(Path("/dev/nothing" if "unwatched" in words else "/dev/watchdog")))
    ending = Ending("node1", LinuxPower(), shares.end, alert, written)
    isolation = Isolation("a", RESOURCE_TYPES, NftIsolation(), shares.right, ending, alert, now_ms)
    parts = (
        remade(resource("fip1"), type="fip", params={"address": address}),
        remade(resource("db"), params={"command": ["/bin/db"]}),
    )
    state = initial(cluster("a b", "lease", (Group(name="web", nodes=("a", "b"), resources=parts),)))
    for node in ("a", "b"):  # together, and nothing runs elsewhere: nobody else can have it
        state = state.with_node(node, NodeFacts(Presence.MEMBER, probed=True))
        state = state.with_hold("web", node, 0, Hold(Status.STOPPED)).with_hold("web", node, 1, Hold(Status.STOPPED))
    state = state.with_hold("web", "a", 0, Hold(Status.RUNNING))
    state = state.with_hold("web", "a", 1, Hold(Status.RUNNING if "db" in words else Status.STOPPED))
    isolation.follow(state, bound=True)
    isolation.lasts_until(now_ms() + RIGHT_MS)
    while "once" not in words:
        await asyncio.sleep(RIGHT_MS / 6_000)
        isolation.lasts_until(now_ms() + RIGHT_MS)
    await asyncio.sleep(RIGHT_MS / 1_000)
    isolation.ended()
    await asyncio.Event().wait()


if __name__ == "__main__":
    assert Path("/run/lab").is_dir(), "not a machine of the lab: this could reset the host"
    asyncio.run(main(*sys.argv[1:]))
