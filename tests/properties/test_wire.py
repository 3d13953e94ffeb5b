"""Whatever arrives is a message or is refused by name; whatever is said can be sent, read, and written into a state."""

import json

from hypothesis import given, settings, strategies as st

from komainu.agent.members import wire
from komainu.model import events as e
from komainu.model.message import Said
from komainu.model.outcome import Outcome, Result

ANY_TEXT = st.text(st.characters(), max_size=20)
"Halves of surrogates among it."
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
KINDS = ("Beat", "Proposal", "Hello", "Snapshot", "RoundOpened", "DigestAsked", "DigestTold", "Other")
KEYS = ("number", "event", "action", "node", "outcome", "timer", "members", "round", "part", "parts", "data", "command")
BODIES = JSON | st.dictionaries(st.sampled_from(KEYS), JSON, max_size=8)
EVENTS = st.sampled_from([kind.__name__ for kind in e.Event.__args__])


def read(data: bytes) -> wire.Message | None:
    """The message, or None when it is refused by name; any other exception is the daemon's end."""
    try:
        return wire.decode(data)
    except wire.Undecodable:
        return None


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_no_crash(data: bytes) -> None:
    read(data)


@given(st.sampled_from(KINDS), BODIES, st.sampled_from((1, 2, None, "1")))
def test_messages_of_any_shape_are_no_crash(kind: str, body: object, protocol: object) -> None:
    message = read(json.dumps({"v": protocol, "k": kind, "b": body}).encode())
    if message is not None:
        assert wire.decode(wire.encode(message)) == message


@given(EVENTS, st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6), st.integers() | JSON)
@settings(max_examples=300)
def test_events_of_any_shape_are_no_crash(kind: str, body: dict[str, object], number: object) -> None:
    message = read(json.dumps({"v": 1, "k": "Proposal", "b": {**body, "event": kind, "number": number}}).encode())
    if message is not None:
        assert wire.decode(wire.encode(message)) == message


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT, st.sampled_from(Result))
def test_an_outcome_with_any_text_arrives_as_text(action: str, en: str, ja: str, detail: str, result: Result) -> None:
    """Scripts and APIs say what they like. What arrives differs only where it was no text."""
    outcome = Outcome(result, Said("TEST1", en, ja), detail)
    sent = wire.Proposal(1, e.ActionFinished(action, "a", outcome))
    got = wire.decode(wire.encode(sent))
    assert isinstance(got, wire.Proposal)
    assert isinstance(got.event, e.ActionFinished)
    assert got.event.outcome.detail == detail.encode(errors="replace").decode()
    assert wire.decode(wire.encode(got)) == got


@given(st.binary(max_size=2_000))
def test_a_snapshot_comes_back(snapshot: bytes) -> None:
    assert wire.unpack(wire.pack(snapshot)) == snapshot
