"""What status says of rights, of the vote and of the suspension of the whole cluster (N2, N3, C10). Pure."""

from typing import Any

from komainu.agent.rights.voting import Seen
from komainu.core import rights, suspension
from komainu.core.state import Presence, State
from komainu.model.message import Message, Said

COME_BACK = Message(
    "KM5491",
    "Nothing can be started here without {nodes}. It goes on by itself when they are back. If they are surely off and "
    "stay off, say so of each: `komainu node confirm-gone NODE`.",
    "{nodes} がいないため、ここでは何も起動できません。復帰すれば自動的に続行します。確実に停止していて起動されない"
    "場合は、ノードごとに `komainu node confirm-gone NODE` を実行してください。",
    "warning",
)
NO_RECORD = Message(
    "KM5492",
    "The vote record has to be written anew: `komainu lease init`, with `--replace` if there is one. `komainu lease "
    "show` shows it.",
    "投票レコードを作成し直す必要があります。`komainu lease init` (既にある場合は `--replace` を付加) を実行して"
    "ください。現在の内容は `komainu lease show` で確認できます。",
    "warning",
)
ASK_STORE = Message(
    "KM5493",
    "`komainu lease check` tells what is wrong with the store, from every node.",
    "投票先の問題は `komainu lease check` で各ノードから確認できます。",
    "warning",
)

OF_THE_RECORD = ("KM5601", "KM5602", "KM5603", "KM5604")
"What the claimant says when it is the record that is of no use."
HELD = "KM5605"
"What it says while it only waits."


def arbitration(state: State, seen: Seen | None) -> dict[str, Any]:
    """What the right to act rests on now, how long rights last, and which command ends a wait."""
    terms = state.cluster.arbitration
    return {
        "rests_on": rests_on(state),
        "right_ms": terms.right_ms if terms.limited else None,
        "wait_ms": terms.wait_ms if terms.limited else None,
        "voter": state.vote.node if state.vote is not None else None,
        "way_out": [said.as_json() for said in way_out(state, seen)],
    }


def rests_on(state: State) -> str:
    """`together`, `word`, `vote`, `majority`, or `nothing`."""
    if rights.together(state):
        return "together"
    if rights.by_word(state):
        return "word"
    kind = state.cluster.arbitration.kind
    if state.undecided:
        return "nothing"
    if kind == "lease":
        return "vote" if any(rights.holds_vote(state, node) for node in state.members()) else "nothing"
    return "majority" if kind == "majority" and rights.is_majority(state) else "nothing"


def way_out(state: State, seen: Seen | None) -> tuple[Said, ...]:
    """What ends the wait of those who have no right, and what to do about the vote before it is needed."""
    if not state.cluster.arbitration.limited or not state.formed:
        return ()
    trouble = seen.trouble if seen is not None else None
    found: list[Said] = []
    if rests_on(state) == "nothing" and not suspension.in_force(state):
        missing = [name for name, facts in state.nodes.items() if facts.presence is not Presence.MEMBER]
        found.append(COME_BACK.said(nodes=", ".join(missing)))
    if trouble is not None and trouble.code != HELD:
        found.append((NO_RECORD if trouble.code in OF_THE_RECORD else ASK_STORE).said())
    return tuple(found)


def suspended(state: State) -> dict[str, Any] | None:
    """The suspension of the whole cluster: on its way, in force, or on its way out."""
    now = state.suspension
    if now is None:
        return None
    return {
        "on": now.on,
        "in_force": suspension.in_force(state),
        "awaited": [name for name in state.nodes if name not in now.noted],
    }


def vote(seen: Seen | None) -> dict[str, Any] | None:
    """The vote record as this node last saw it, and what keeps this node from the vote."""
    if seen is None:
        return None
    record, trouble = seen.record, seen.trouble
    return {
        "owner": record.owner.node if record is not None and record.owner is not None else None,
        "mode": record.mode if record is not None else None,
        "epoch": record.epoch if record is not None else None,
        "known_for_ms": seen.known_for_ms if record is not None else None,
        "trouble": trouble.as_json() if trouble is not None else None,
    }
