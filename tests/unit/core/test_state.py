"""The state as a value: changes leave the original alone, its bytes are canonical, its digest tells states apart."""

import json
from dataclasses import MISSING, fields, is_dataclass, replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from komainu.core import events as e, state as subject
from komainu.core.state import (
    RULES,
    Hold,
    MonitorFacts,
    Presence,
    State,
    Status,
    Wanted,
    Watch,
    decode,
    digest,
    encode,
    initial,
)
from komainu.model import config
from komainu.model.config import Group
from tests.unit.core.clusters import FAILED, UNKNOWN, Life, altered, cluster, formed, group, monitor, resource


def states() -> list[State]:
    """States with something in every field."""
    found = [initial(cluster()), formed().state]
    life = formed(cluster("a b c", arbitration="fence"))
    life.check("a", UNKNOWN)
    life.view("b c")
    life.leave("c")
    found.append(life.state)
    life.finish(life.under_way[0], FAILED)
    found.append(life.state)
    life = formed()
    life.check("a", FAILED)
    life.settle()
    life.check("a", FAILED)
    life.settle()
    life.view("b", nodes="a b")
    found.append(life.state)
    groups = [group("web", parts="vip http"), group("db", after="web")]
    life = formed(cluster(groups=groups, monitors=[monitor("ping1", "web", restarts=1), monitor("url1", "db", "db")]))
    life.command(e.SuspendMonitor("vipw", "b"))
    life.command(e.SimulateFailure("url1", None, True))
    life.command(e.StopPart("web", "http"))
    life.finds("a", FAILED)
    life.command(e.SuspendNode("b"))
    found.append(life.state)
    life.command(e.ResumeNode("b"))
    life.command(e.SetMaintenance(True))
    wanted = e.ChangeConfiguration(altered(life.state.cluster, monitors=()), "me", "because")
    life.happens(e.CommandGiven("c9", "a", wanted))
    life.judge("a")
    found.append(life.state)
    return found


def test_a_fresh_state_knows_nothing_of_anybody() -> None:
    state = initial(cluster(groups=[Group(name="m", nodes=("a",), start="manual", resources=())]), epoch=7)
    assert state.epoch == 7
    assert not state.formed
    assert [facts.presence for facts in state.nodes.values()] == [Presence.UNSEEN, Presence.UNSEEN]
    assert state.groups["m"].wanted is Wanted.IDLE
    assert initial(cluster()).groups["db"].holds == {"a": (Hold(), Hold()), "b": (Hold(), Hold())}


@pytest.mark.parametrize("state", states())
def test_a_snapshot_comes_back_equal_to_the_byte(state: State) -> None:
    assert decode(encode(state)) == state
    assert encode(decode(encode(state))) == encode(state)
    assert digest(decode(encode(state))) == digest(state)


def test_of_a_monitor_there_is_an_entry_only_while_there_is_something_to_say() -> None:
    state = formed().state
    assert state.monitors == {}
    assert state.monitor("ping1") == MonitorFacts()
    watched = state.with_watch("ping1", "b", Watch(round="1")).with_watch("ping1", "a", Watch(round="2"))
    assert list(watched.monitors["ping1"].on) == ["a", "b"]
    assert watched.with_watch("ping1", "a", Watch()).monitors["ping1"].on == {"b": Watch(round="1")}
    assert watched.with_watch("ping1", "a", Watch()).with_watch("ping1", "b", Watch()) == state
    suspended = watched.with_monitor("cpu1", MonitorFacts(suspended=("a",)))
    assert list(suspended.monitors) == ["cpu1", "ping1"]
    assert suspended.with_monitor("cpu1", MonitorFacts()) == watched


def test_what_has_its_default_is_not_written() -> None:
    """So a release that does not know a fact yet has the same bytes as one that knows it, while nobody uses it."""
    document = json.loads(encode(formed().state))
    assert not {"monitors", "maintenance", "change"} & document.keys()
    assert not {"recent", "parked", "ordered", "overdue"} & document["groups"]["db"].keys()
    assert not {"then", "forced", "ended", "suspended"} & document["nodes"]["a"].keys()
    assert not {"monitors", "exclusions", "notifications"} & document["cluster"].keys()
    assert document["nodes"]["a"]["rules"] == RULES


@pytest.mark.parametrize("path", [(), ("nodes", "a"), ("groups", "db"), ("cluster",), ("cluster", "arbitration")])
def test_what_this_release_does_not_know_is_not_passed_over(path: tuple[str, ...]) -> None:
    """Without it the state would be another one than that of the others."""
    document = json.loads(encode(formed().state))
    inner = document
    for key in path:
        inner = inner[key]
    inner["invented_later"] = True
    with pytest.raises(ValidationError, match="invented_later"):
        decode(json.dumps(document).encode())


def test_the_digest_leaves_out_how_messages_are_worded() -> None:
    assert all(digest(reworded(state)) == digest(state) for state in states())
    assert [encode(reworded(state)) == encode(state) for state in states()].count(False) > 4
    db = formed().state.groups["db"]
    other = replace(db, because=(*db.because, db.because[0]))
    assert digest(formed().state.with_group("db", other)) != digest(formed().state)


def reworded(state: State) -> State:
    """The same state as a release with other texts has it, wherever there is a message."""

    def other(thing: object) -> object:
        match thing:
            case {"code": code, "en": str(), "ja": str()}:
                return {"code": code, "en": "Otherwise.", "ja": "別の文。", "level": "warning"}
            case dict():
                return {key: other(value) for key, value in thing.items()}
            case list():
                return [other(each) for each in thing]
            case _:
                return thing

    return decode(json.dumps(other(json.loads(encode(state)))).encode())


def test_defaults_are_part_of_the_format() -> None:
    """What is not written means the same in every release, so a default never changes; new fields may come (ADR 0010).

    A field that is missing in the list is new: add its line. A line that differs is a mistake: what a file of the
    administrator says by default can change in the reader of that file, not here.
    """
    listed = (Path(__file__).parent / "defaults.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(defaults()) == listed


def defaults() -> list[str]:
    """Every field of what members tell each other that may be left out, with what it is then."""
    found: list[str] = []
    for kind in (each for module in (subject, config) for each in vars(module).values() if isinstance(each, type)):
        if is_dataclass(kind):
            for each in fields(kind):
                default = each.default if each.default_factory is MISSING else each.default_factory()
                found += [] if default is MISSING else [f"{kind.__name__}.{each.name} = {default!r}"]
        elif issubclass(kind, config.Part):
            told = kind.model_fields.items()
            optional = [(name, one.default) for name, one in told if not one.is_required()]
            # A part inside a part has its own lines.
            shown = [
                (name, f"{type(it).__name__}()" if isinstance(it, config.Part) else repr(it)) for name, it in optional
            ]
            found += [f"{kind.__name__}.{name} = {it}" for name, it in shown]
    return list(dict.fromkeys(found))


def test_the_digest_tells_states_apart() -> None:
    digests = [digest(state) for state in states()]
    assert len(set(digests)) == len(digests)
    assert all(len(each) == 32 for each in digests)


def test_what_is_no_snapshot_is_refused() -> None:
    with pytest.raises(ValidationError):
        decode(b'{"cluster": 1}')


def test_the_order_is_that_of_the_configuration_whatever_happened() -> None:
    groups = [Group(name=name, nodes=("c", "a"), resources=(resource("disk"),)) for name in ("web", "db")]
    life = Life(cluster("c a b", groups=groups))
    life.view("a b")
    life.sync("b", "a b")
    life.settle()
    life.view("c a b")
    life.sync("b", "c")
    life.settle()
    life.command(e.MoveGroup("web", "a"))
    document = json.loads(encode(life.state))
    assert list(document["nodes"]) == ["c", "a", "b"]
    assert list(document["groups"]) == ["web", "db"]
    assert list(document["groups"]["db"]["holds"]) == ["c", "a"]


def test_changing_a_hold_leaves_the_original_and_the_neighbours_alone() -> None:
    state = formed().state
    changed = state.with_hold("db", "a", 1, Hold(Status.STUCK))
    assert state.groups["db"].holds["a"][1].status is Status.RUNNING
    assert changed.groups["db"].holds["a"] == (state.groups["db"].holds["a"][0], Hold(Status.STUCK))
    assert changed.groups["db"].holds["b"] is state.groups["db"].holds["b"]


def test_members_are_in_the_order_of_the_configuration() -> None:
    life = formed(cluster("c a b"))
    life.view("a b")
    assert life.state.members() == ("a", "b")
