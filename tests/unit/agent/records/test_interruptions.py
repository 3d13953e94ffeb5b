"""When groups were not online, and why: from the changes in a journal alone."""

from typing import Any

from komainu.agent.records.interruptions import Interruption, interruptions

Body = dict[str, Any]


class Journal:
    """Lines as the recorder writes them, as far as they matter here."""

    def __init__(self) -> None:
        self.lines: list[Body] = []

    def snapshot(self, why: str) -> None:
        self.lines.append({"kind": "snapshot", "seq": len(self.lines), "why": why})

    def happens(
        self, event: str, *changes: tuple[str, str, str, str | None], because: str = "", group: str = ""
    ) -> int:
        seq = len(self.lines) + 1
        actions = [{"action": "StopResource", "group": group, "because": [{"en": because}]}] if because else []
        self.lines.append(
            {
                "seq": seq,
                "event": {"event": event.partition(" ")[0]},
                "text": {"en": event},
                "actions": actions,
                "changes": [
                    {"what": "group", "name": name, "before": before, "now": now, "node": node}
                    for name, before, now, node in changes
                ],
            }
        )
        return seq

    def begun(self) -> "Journal":
        """Both groups are online on n1."""
        self.snapshot("start")
        self.happens("MembersSynced", ("web", "Offline", "Online Pending", "n1"), ("db", "Offline", "Online", "n1"))
        self.happens("ActionFinished", ("web", "Online Pending", "Online", "n1"))
        return self

    def found(self) -> list[Interruption]:
        return interruptions(self.lines)


def told(found: list[Interruption]) -> list[tuple[str, list[tuple[str, str | None, str | None]]]]:
    return [(each.kind, [(out.group, out.came_from, out.to) for out in each.outages]) for each in found]


def test_the_first_start_of_a_cluster_interrupts_nothing() -> None:
    assert Journal().begun().found() == []


def test_groups_that_one_event_takes_down_are_one_failover() -> None:
    journal = Journal().begun()
    number = journal.happens(
        "ViewChanged n2", ("web", "Online", "Online Pending", "n2"), ("db", "Online", "Online Pending", "n2")
    )
    journal.happens("ActionFinished", ("db", "Online Pending", "Online", "n2"))
    assert told(journal.found()) == [("unfinished", [("web", "n1", None), ("db", "n1", "n2")])]
    journal.happens("ActionFinished", ("web", "Online Pending", "Online", "n2"))
    (found,) = journal.found()

    assert told([found]) == [("failover", [("web", "n1", "n2"), ("db", "n1", "n2")])]
    assert found.number == number
    assert [out.online and out.online["seq"] for out in found.outages] == [number + 2, number + 1]


def test_a_restart_on_the_same_node_is_no_failover() -> None:
    journal = Journal().begun()
    journal.happens("MonitorChanged", ("web", "Online", "Online Pending", "n1"))
    journal.happens("ActionFinished", ("web", "Online Pending", "Online", "n1"))

    assert told(journal.found()) == [("restart", [("web", "n1", "n1")])]


def test_a_takeover_that_wanders_is_one_interruption() -> None:
    journal = Journal().begun()
    journal.happens("MonitorChanged", ("web", "Online", "Online Pending", "n1"))
    journal.happens("ActionFinished", ("web", "Online Pending", "Online Pending", "n2"))
    journal.happens("ActionFinished", ("web", "Online Pending", "Online Failure", "n2"))
    journal.happens("TimerFired", ("web", "Online Failure", "Online Pending", "n3"))
    journal.happens("ActionFinished", ("web", "Online Pending", "Online", "n3"))

    assert told(journal.found()) == [("failover", [("web", "n1", "n3")])]


def test_what_follows_from_an_interruption_belongs_to_it() -> None:
    journal = Journal().begun()
    journal.happens("MonitorChanged db", ("db", "Online", "Online Pending", "n2"))
    journal.happens(
        "ActionFinished", ("web", "Online", "Online Pending", "n2"), because="MonitorChanged db", group="web"
    )
    assert len(journal.found()) == 1
    journal.happens("ActionFinished", ("web", "Online Pending", "Online", "n2"), ("db", "x", "Online", "n2"))
    journal.happens("MonitorChanged", ("web", "Online", "x", "n2"), because="MonitorChanged db", group="web")

    assert len(journal.found()) == 2, "the first one was over"


def test_an_order_is_told_from_a_failure() -> None:
    journal = Journal().begun()
    journal.happens("CommandGiven move", ("web", "Online", "Online Pending", "n2"))
    journal.happens("ActionFinished", ("web", "Online Pending", "Online", "n2"))
    journal.happens("NodeLeaving", ("db", "Online", "Offline Pending", "n1"))

    assert [each.kind for each in journal.found()] == ["ordered", "ordered"]


def test_an_operator_may_end_it_by_stopping_the_group() -> None:
    journal = Journal().begun()
    journal.happens("MonitorChanged", ("web", "Online", "Online Failure", "n1"))
    journal.happens("CommandGiven stop", ("web", "Online Failure", "Offline", "n1"))
    (found,) = journal.found()

    assert found.over
    assert found.kind == "stopped"
    assert found.outages[0].stopped


def test_a_daemon_that_begins_again_knows_nothing_of_an_interruption() -> None:
    journal = Journal().begun()
    journal.snapshot("start")
    journal.happens("ViewChanged", ("web", "Online Pending", "Offline", None))
    journal.happens("MembersSynced", ("web", "Offline", "Online", "n1"))

    assert journal.found() == []


def test_one_that_lasted_over_a_restart_of_the_daemon_is_ended_by_what_it_then_learns() -> None:
    journal = Journal().begun()
    journal.happens("ViewChanged", ("web", "Online", "Online Pending", "n2"))
    journal.snapshot("start")
    journal.happens("MembersSynced", ("web", "Offline", "Online", "n2"))

    assert told(journal.found()) == [("failover", [("web", "n1", "n2")])]


def test_a_journal_that_begins_in_the_middle_does_not_know_where_a_group_was() -> None:
    journal = Journal()
    journal.happens("ViewChanged", ("web", "Online", "Online Pending", "n2"))
    journal.happens("ActionFinished", ("web", "Online Pending", "Online", "n2"))

    assert told(journal.found()) == [("failover", [("web", None, "n2")])]


def test_a_group_that_is_suddenly_online_elsewhere_has_gone_there() -> None:
    """What a node learns that was cut off while the others took its group over."""
    journal = Journal().begun()
    journal.happens("MembersSynced", ("web", "Online", "Online", "n2"))

    assert told(journal.found()) == [("failover", [("web", "n1", "n2")])]
