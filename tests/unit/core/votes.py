"""Clusters whose nodes need a right to act, and what becomes of their votes."""

from komainu.model import actions as a, events as e
from komainu_lab.sim.arbitrations import WAIT_MS
from tests.unit.core.clusters import BROKEN, Life, cluster, formed

LEASE = cluster(arbitration="lease")
THREE = cluster("a b c", arbitration="majority")
FOUR = cluster("a b c d", arbitration="majority")
FIVE = cluster("a b c d e", arbitration="majority")


def won(life: Life, node: str = "b", epoch: int = 7, ring: str = "", waited: bool = False) -> tuple[a.Action, ...]:
    return life.happens(e.VoteWon(node, ring or life.state.ring, epoch, waited, WAIT_MS))


def lost(life: Life, node: str = "b", ring: str = "") -> tuple[a.Action, ...]:
    return life.happens(e.VoteLost(node, ring or life.state.ring, BROKEN))


def survivor() -> Life:
    """Two nodes; `db` ran on a, which is lost."""
    life = formed(LEASE)
    life.view("b")
    return life


def proven() -> Life:
    """The same, b has won the vote, and whatever right a had has ended."""
    life = survivor()
    won(life)
    life.fire("expire")
    return life
