"""The bytes of a state: canonical, readable by every release, with a digest that tells states apart."""

import json
from dataclasses import MISSING, fields, is_dataclass, replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from komainu.agent.members.snapshot import decode, digest, encode
from komainu.core import state as subject
from komainu.core.state import RULES, State, initial
from komainu.model import commands as c, config, events as e
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
    life.command(c.SuspendMonitor("vipw", "b"))
    life.command(c.SimulateFailure("url1", None, True))
    life.command(c.StopPart("web", "http"))
    life.finds("a", FAILED)
    life.command(c.SuspendNode("b"))
    found.append(life.state)
    life.command(c.ResumeNode("b"))
    life.command(c.SetMaintenance(True))
    wanted = c.ChangeConfiguration(altered(life.state.cluster, monitors=()), "me", "because")
    life.happens(e.CommandGiven("c9", "a", wanted))
    life.judge("a")
    found.append(life.state)
    return found


@pytest.mark.parametrize("state", states())
def test_a_snapshot_comes_back_equal_to_the_byte(state: State) -> None:
    assert decode(encode(state)) == state
    assert encode(decode(encode(state))) == encode(state)
    assert digest(decode(encode(state))) == digest(state)


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
    life.command(c.MoveGroup("web", "a"))
    document = json.loads(encode(life.state))
    assert list(document["nodes"]) == ["c", "a", "b"]
    assert list(document["groups"]) == ["web", "db"]
    assert list(document["groups"]["db"]["holds"]) == ["c", "a"]
