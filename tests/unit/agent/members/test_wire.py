"""Messages and their bytes: what was said arrives, and nothing that arrives is a crash."""

import json

import pytest

from komainu.agent.alert_record import Record
from komainu.agent.members import wire
from komainu.agent.members.snapshot import decode, encode
from komainu.core.state import Hold, Status, initial
from komainu.model import commands as c, events as e
from komainu.model.config import Group
from komainu.model.outcome import SUCCEEDED, Outcome, Result, failed
from tests.unit.core.clusters import BROKEN, FAILED, UNKNOWN, cluster, resource

EVENTS: tuple[e.Event, ...] = (
    e.ViewChanged("1-8", ("a", "b"), ("a", "b", "c")),
    e.MembersSynced("1-8", "a", (e.Member("a", "a.1", 1, 7, True), e.Member("b", "b.1", 1, 7, False, leaving=True))),
    e.AgentSilent("b", "b.1"),
    e.ActionFinished("7.1-8.3", "a", SUCCEEDED),
    e.ActionFinished("7.1-8.3", "a", FAILED),
    e.NodeProbed("7.1-8.3", "a", (e.Found("db", "disk", Result.UNKNOWN, 0), e.Found("db", "x", Result.SUCCEEDED, 3))),
    e.MonitorChanged("a", "db", "disk", "7.1-8.3", UNKNOWN),
    e.TimerFired("startup"),
    e.VoteWon("a", "1-8", 4, True, 4_100),
    e.VoteLost("a", "1-8", BROKEN),
    e.RightEnding("a", "a.1", BROKEN),
    e.RightRegained("a", "a.1"),
    e.SuspensionNoted("a", "7.1-8.3"),
    e.NodeLeaving("a", "a.1"),
    e.CommandGiven("c1", "a", c.MoveGroup("db", None)),
    e.CommandGiven("c1", "a", c.StartGroup("db", "b")),
    e.CommandGiven("c1", "a", c.StopGroup("db")),
    e.CommandGiven("c1", "a", c.ConfirmGone("b", 9)),
    e.CommandGiven("c1", "a", c.RestoreGroup("db")),
    e.CommandGiven("c1", "a", c.StartPart("db", "disk")),
    e.CommandGiven("c1", "a", c.StopPart("db", "disk")),
    e.CommandGiven("c1", "a", c.SuspendMonitor("diskw1", None)),
    e.CommandGiven("c1", "a", c.ResumeMonitor("diskw1", "a")),
    e.CommandGiven("c1", "a", c.SimulateFailure("diskw1", "a", True)),
    e.CommandGiven("c1", "a", c.SuspendNode(None)),
    e.CommandGiven("c1", "a", c.ResumeNode("a")),
    e.CommandGiven("c1", "a", c.StopNode("a", "reboot")),
    e.CommandGiven("c1", "a", c.SetMaintenance(True)),
    e.CommandGiven("c1", "a", c.ChangeConfiguration(cluster(), "mika", "a try", "# text")),
    e.MonitorJudged("a", "tcp1", "7.1-8.4", FAILED),
    e.ConfigurationJudged("7.1-8.5", "a", (BROKEN,)),
)
MESSAGES: tuple[wire.Message, ...] = (
    wire.Beat(2**53),
    wire.Beacon(2**53, {1: 2**53, 32: 7}),
    wire.Beacon(7),
    wire.RoundOpened("a.1:1", ("b",)),
    wire.Hello("a.1:1", "a.1", 1, 7, True, 2, "c0ffee", "new:a.1", 3, leaving=True),
    wire.Snapshot("a.1:1", 0, 2, "x" * 10),
    wire.DigestAsked(4),
    wire.DigestTold(4, "c0ffee"),
    wire.AlertsTold((Record("a:1-2", 3, 1_700_000_000_000, "a", "KM5303", "info", "started", "起動", "detail"),)),
    wire.AlertsHeld("c0ffee", True, {"a:1-2": (1, 3), "c0ffee": (2, 2)}),
    wire.AlertsSent("mail", (("a:1-2", 3),), True),
    wire.TestAsked("a-1", ""),
    wire.TestAnswered("a-1", "mail", Result.FAILED, BROKEN, "550 no"),
    *(wire.Proposal(number, event) for number, event in enumerate(EVENTS)),
)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_what_was_said_arrives(message: wire.Message) -> None:
    assert wire.decode(wire.encode(message)) == message


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_from_plain_json(event: e.Event) -> None:
    assert wire.event_from_json(json.loads(json.dumps(wire.event_to_json(event)))) == event


def test_every_kind_of_message_and_event_is_tried_here() -> None:
    assert {type(message) for message in MESSAGES} == set(wire.Message.__args__)
    assert {type(event) for event in EVENTS} == set(e.Event.__args__)
    assert {type(event.command) for event in EVENTS if isinstance(event, e.CommandGiven)} == set(c.Command.__args__)


def test_a_beat_is_small() -> None:
    assert len(wire.encode(wire.Beat(10**12))) <= 64


def test_a_beacon_between_two_nodes_is_small() -> None:
    assert len(wire.encode(wire.Beacon(999_999_999, {32: 999_999_999}))) <= 64


def test_a_beacon_of_a_large_cluster_is_no_large_message() -> None:
    answers = dict.fromkeys(range(1, 32), 999999999)
    assert len(wire.encode(wire.Beacon(999_999_999, answers))) <= 600
    assert wire.decode(wire.encode(wire.Beacon(7, answers))) == wire.Beacon(7, answers)


def test_japanese_is_not_spelled_in_escapes() -> None:
    assert BROKEN.ja.encode() in wire.encode(wire.Proposal(1, e.ActionFinished("1", "a", FAILED)))


def test_what_is_not_text_is_replaced() -> None:
    """The output of a program may hold anything; half a surrogate cannot be written as UTF-8."""
    sent = wire.Proposal(1, e.ActionFinished("1", "a", failed(BROKEN, "caf\udce9 \x00 end")))
    got = wire.decode(wire.encode(sent))
    assert isinstance(got, wire.Proposal)
    assert got.event == e.ActionFinished("1", "a", failed(BROKEN, "caf? \x00 end"))


def frame(kind: object = "Beat", body: object = None, **more: object) -> bytes:
    """The bytes of a message as somebody else might write it."""
    return json.dumps({"v": wire.PROTOCOL, "k": kind, "b": {"number": 1} if body is None else body, **more}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        frame()[:-1],
        frame(v=2),
        frame(v="1"),
        frame(v=None),
        frame(kind="Unheard"),
        frame(kind=[]),
        frame(kind=None),
        frame(body=[]),
        frame(body="x"),
        frame(body={}),
        frame(body={"number": "x"}),
        frame(body={"number": 1e999}),
        frame("Snapshot", {"round": "r", "part": 0, "parts": 1}),
        frame("Snapshot", {"round": "\ud800", "part": 0, "parts": 1, "data": ""}),
        frame("Proposal", []),
        frame("Proposal", {}),
        frame("Proposal", {"number": 1}),
        frame("Proposal", {"number": 1, "event": "Unheard"}),
        frame("Proposal", {"number": 1, "event": []}),
        frame("Proposal", {"number": 1, "event": {}}),
        frame("Proposal", {"number": 1, "event": "TimerFired"}),
        frame("Proposal", {"number": 1, "event": "TimerFired", "timer": 5}),
        frame("Proposal", {"number": 1, "event": "TimerFired", "timer": "\udfff"}),
        frame("Proposal", {"number": None, "event": "TimerFired", "timer": "x"}),
        frame("Proposal", {"number": 1e999, "event": "TimerFired", "timer": "x"}),
        frame("Proposal", {"number": 1, "event": "CommandGiven", "id": "1", "origin": "a", "command": {"verb": "x"}}),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(wire.Undecodable):
        wire.decode(data)


def test_a_newer_protocol_is_named() -> None:
    with pytest.raises(wire.Undecodable, match=r"protocol 2; this release speaks 1"):
        wire.decode(frame(v=2))


def test_what_is_too_large_is_not_even_parsed() -> None:
    with pytest.raises(wire.Undecodable, match="1000001 bytes are more than 1000000"):
        wire.decode(b" " * (wire.MAX_BYTES + 1))
    assert isinstance(wire.decode(frame().ljust(wire.MAX_BYTES)), wire.Beat)


def test_what_a_later_release_adds_to_a_message_is_passed_over() -> None:
    assert wire.decode(frame(body={"number": 1, "mood": "good"})) == wire.Beat(1)


# --- snapshots ------------------------------------------------------------------------------------------------------


def test_the_snapshot_of_the_largest_cluster_fits_into_parts_that_the_bus_takes() -> None:
    """8 nodes, 100 groups of 10 resources, and something to say of each of them."""
    nodes = tuple(f"node{number}" for number in range(1, 9))
    parts = tuple(resource(f"resource{number}") for number in range(10))
    groups = [Group(name=f"group{number}", nodes=nodes, resources=parts) for number in range(100)]
    state = initial(cluster(" ".join(nodes), groups=groups))
    told = tuple(Hold(Status.STUCK, f"9.1-8.{index}", said=FAILED.said) for index in range(10))
    for group in state.groups.values():
        group.holds.update(dict.fromkeys(nodes, told))
    written = encode(state)

    packed = wire.pack(written)

    assert len(written) > 1_000_000
    assert all(len(part) <= 900_000 for part in packed)
    assert all(len(wire.encode(wire.Snapshot("r" * 60, 9, 9, part))) <= wire.MAX_BYTES for part in packed)
    assert decode(wire.unpack(packed)) == state


@pytest.mark.parametrize("size", [0, 1, 10, 1_000, 5_000])
def test_a_snapshot_in_many_parts_comes_back(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PART_BYTES", 7)
    snapshot = bytes(number * 7919 % 251 for number in range(size))
    packed = wire.pack(snapshot)
    assert all(0 < len(part) <= 7 for part in packed)
    assert wire.unpack(packed) == snapshot


def test_a_result_without_a_reason_arrives_too() -> None:
    event = e.ActionFinished("1", "a", Outcome(Result.UNKNOWN))
    assert wire.decode(wire.encode(wire.Proposal(1, event))) == wire.Proposal(1, event)


def test_a_whole_configuration_fits_into_one_message() -> None:
    parts = tuple(resource(f"r{number}") for number in range(10))
    groups = tuple(Group(name=f"g{number}", nodes=("a", "b"), resources=parts) for number in range(300))
    big = cluster().model_copy(update={"groups": groups, "version": 2})
    said = wire.Proposal(1, e.CommandGiven("c1", "a", c.ChangeConfiguration(big, "mika", "", "# 設定\n" * 10_000)))
    data = wire.encode(said)

    assert len(big.model_dump_json()) > wire.MAX_BYTES
    assert len(data) < wire.MAX_BYTES // 4
    assert wire.decode(data) == said


@pytest.mark.parametrize("body", ["", "AAAA", "no base64", 7, None, []])
def test_what_is_packed_badly_is_refused(body: object) -> None:
    with pytest.raises(wire.Undecodable):
        wire.decode(json.dumps({"v": wire.PROTOCOL, "k": "Packed", "b": body}).encode())


def test_what_would_grow_beyond_all_measure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = wire.encode(wire.Proposal(1, e.CommandGiven("c1" * 50_000, "a", c.StopGroup("db"))))
    assert wire.decode(data).number == 1  # type: ignore[union-attr]
    monkeypatch.setattr(wire, "UNPACKED_BYTES", 99_000)
    with pytest.raises(wire.Undecodable, match="larger than"):
        wire.decode(data)


def test_of_a_configuration_only_what_is_used_is_told() -> None:
    """An older release refuses parts that it does not know, even where they say nothing (ADR 0010)."""
    wanted = c.ChangeConfiguration(cluster().model_copy(update={"version": 2}), "mika", "")
    told = wire.event_to_json(e.CommandGiven("c1", "a", wanted))
    assert not {"exclusions", "monitors", "notifications"} & told["command"]["cluster"].keys()
    assert wire.event_from_json(told) == e.CommandGiven("c1", "a", wanted)
