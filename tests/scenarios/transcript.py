"""Transcripts: what is delivered, and what the core answers, in one text that reads as prose.

A file is comments, then commands at the left margin; indented lines are what the core answered. Commands:

    cluster n1 n2: arbitration operator          nodes, arbitration (none, operator, fence)
    group db on n1 n2: disk! postgres!           `!` marks an exclusive resource; `manual-start`, `manual-failover`
    form                                         all nodes join, are probed, and run nothing
    view n1 n2 / n3                              members / nodes in the ring without a daemon
    sync n1: n2 n3                               n1's state goes on; those after the colon bring another history
    probe n2: db.disk@4 db.postgres? ...         found running (since epoch 4), `?` unclear; the rest is stopped
    ok | fail | unknown [n1 db.disk]             the oldest pending action (of that node and resource) ends so
    settle                                       every pending action succeeds, until there is none
    monitor n1 web.http failed|unknown|normal    a check changed its verdict
    timer agent                                  the armed timer of that kind fires
    silent n1 | leave n1                         a daemon fell silent; a daemon is asked to end
    move web [n2] | start web [n2] | stop web
    gone n2 [4]                                  the operator's word (as he saw it in epoch 4)
    show                                         what is known, in one line per group and node

`python -m tests.scenarios.transcript FILE ...` prints the digests of the final states (for comparison under several
hash seeds); with `--rewrite` it writes the answers into the files.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from komainu.core import actions as a
from komainu.core import events as e
from komainu.core.state import NodeFacts, State, digest, initial
from komainu.core.step import step
from komainu.model.config import Arbitration, Cluster, Group, Node, Recovery, Resource
from komainu.model.message import Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result

NO_ANSWER = Said("T2", "There was no answer.", "応答がありません。", "error")
BROKEN = Said("T1", "It is broken.", "故障です。", "error")
OUTCOMES = {"ok": SUCCEEDED, "fail": Outcome(Result.FAILED, BROKEN), "unknown": Outcome(Result.UNKNOWN, NO_ANSWER)}
VERDICTS = {"normal": SUCCEEDED, "failed": OUTCOMES["fail"], "unknown": OUTCOMES["unknown"]}

Pending = a.StartResource | a.StopResource | a.ProbeNode | a.FenceNode


class Transcript:
    """Plays the commands of one file."""

    def __init__(self) -> None:
        self.nodes: tuple[str, ...] = ()
        self.kind = "operator"
        self.groups: list[Group] = []
        self.built: State | None = None
        self.pending: list[Pending] = []
        self.counts = {"view": 0, "command": 0, "life": 0}

    @property
    def state(self) -> State:
        """The state; made from the configuration when it is first asked for."""
        if self.built is None:
            nodes = tuple(Node(name=name, id=n + 1, links=(f"10.0.0.{n + 1}",)) for n, name in enumerate(self.nodes))
            cluster = Cluster(
                name="t",
                environment="onprem",
                detect_within_ms=1_500,
                arbitration=Arbitration.model_validate({"kind": self.kind}),
                nodes=nodes,
                groups=tuple(self.groups),
            )
            self.built = initial(cluster)
        return self.built

    def play(self, line: str) -> list[str]:
        """The answers to one command."""
        verb, *words = line.replace(":", " : ").split()
        if verb in OUTCOMES:
            return self._end(OUTCOMES[verb], words)
        handler = getattr(self, f"_{verb}", None)
        if handler is None:
            raise ValueError(f"unknown command: {line}")
        answers: list[str] = handler(words)
        return answers

    # --- setting the stage -----------------------------------------------------------------------------------------

    def _cluster(self, words: list[str]) -> list[str]:
        colon = words.index(":")
        self.nodes, self.kind = tuple(words[:colon]), words[colon + 2]
        return []

    def _group(self, words: list[str]) -> list[str]:
        colon = words.index(":")
        options = words[colon + 1 :]
        names = [word for word in options if not word.startswith("manual-")]
        resources = tuple(self._resource(name) for name in names)
        start = "manual" if "manual-start" in options else "auto"
        failover = "manual" if "manual-failover" in options else "auto"
        group = {"name": words[0], "nodes": words[2:colon], "start": start, "failover": failover}
        self.groups.append(Group.model_validate({**group, "resources": resources}))
        return []

    def _resource(self, name: str) -> Resource:
        recovery = Recovery(start_retries=1, restarts=1, failovers=1)
        return Resource(
            name=name.rstrip("!"),
            type="test",
            exclusive=name.endswith("!"),
            params={},
            start_timeout_ms=1_000,
            stop_timeout_ms=1_000,
            check_interval_ms=1_000,
            check_timeout_ms=1_000,
            prepare_interval_ms=1_000,
            recovery=recovery,
        )

    # --- deliveries ------------------------------------------------------------------------------------------------

    def deliver(self, event: e.Event) -> list[str]:
        """Deliver one event; the lines say what the core answered."""
        done = step(self.state, event)
        self.built = done.state
        self.pending.extend(action for action in done.actions if isinstance(action, Pending))
        return [line for action in done.actions for line in told(action)]

    def _view(self, words: list[str]) -> list[str]:
        slash = words.index("/") if "/" in words else len(words)
        members = tuple(words[:slash])
        ring = tuple(node for node in self.nodes if node in words)
        self.counts["view"] += 1
        return self.deliver(e.ViewChanged(f"1-{self.counts['view']}", members, ring))

    def _sync(self, words: list[str]) -> list[str]:
        source, fresh = words[0], words[2:]
        members = []
        for name, facts in self.state.nodes.items():
            if name in fresh:
                self.counts["life"] += 1
                members.append(e.Member(name, f"{name}.{self.counts['life']}", 1, self.state.epoch, False))
            elif facts.presence in ("member", "joining"):
                members.append(e.Member(name, facts.incarnation, 1, self.state.epoch, True))
        return self.deliver(e.MembersSynced(self.state.ring, source, tuple(members)))

    def _form(self, words: list[str]) -> list[str]:
        answers = self._view(list(self.nodes)) + self._sync([self.nodes[0], ":", *self.nodes])
        for name in self.nodes:
            answers += self._probe([name, ":"])
        return answers

    def _probe(self, words: list[str]) -> list[str]:
        node, found = words[0], words[2:]
        items = []
        for group in self.state.cluster.groups:
            for resource in group.resources:
                named = [
                    word for word in found if word.rstrip("?").partition("@")[0] == f"{group.name}.{resource.name}"
                ]
                result = Result.FAILED
                if named:
                    result = Result.UNKNOWN if named[0].endswith("?") else Result.SUCCEEDED
                epoch = int(named[0].partition("@")[2]) if named and "@" in named[0] else 0
                items.append(e.Found(group.name, resource.name, result, epoch))
        action = self.state.nodes[node].probe
        self.pending = [each for each in self.pending if each.id != action]
        return self.deliver(e.NodeProbed(action, node, tuple(items)))

    def _end(self, outcome: Outcome, words: list[str]) -> list[str]:
        for action in self.pending:
            named = isinstance(action, a.StartResource | a.StopResource) and [
                action.node,
                f"{action.group}.{action.resource}",
            ]
            if not isinstance(action, a.ProbeNode) and (not words or named == words):
                self.pending.remove(action)
                return self.deliver(e.ActionFinished(action.id, action.node, outcome))
        raise ValueError(f"nothing is pending for {words}")

    def _settle(self, words: list[str]) -> list[str]:
        answers: list[str] = []
        while any(not isinstance(action, a.ProbeNode) for action in self.pending):
            answers += self._end(SUCCEEDED, [])
        return answers

    def _monitor(self, words: list[str]) -> list[str]:
        node, (group, _, name), verdict = words[0], words[1].partition("."), words[2]
        names = [resource.name for resource in self.state.cluster.group(group).resources]
        run = self.state.groups[group].holds[node][names.index(name)].run
        return self.deliver(e.MonitorChanged(node, group, name, run, VERDICTS[verdict]))

    def _timer(self, words: list[str]) -> list[str]:
        (timer,) = [timer for timer in self.state.timers if timer.startswith(words[0])]
        return self.deliver(e.TimerFired(timer))

    def _silent(self, words: list[str]) -> list[str]:
        return self.deliver(e.AgentSilent(words[0], self.state.nodes[words[0]].incarnation))

    def _leave(self, words: list[str]) -> list[str]:
        return self.deliver(e.NodeLeaving(words[0], self.state.nodes[words[0]].incarnation))

    # --- commands --------------------------------------------------------------------------------------------------

    def _command(self, command: e.Command) -> list[str]:
        self.counts["command"] += 1
        return self.deliver(e.CommandGiven(f"c{self.counts['command']}", self.nodes[0], command))

    def _move(self, words: list[str]) -> list[str]:
        return self._command(e.MoveGroup(words[0], words[1] if words[1:] else None))

    def _start(self, words: list[str]) -> list[str]:
        return self._command(e.StartGroup(words[0], words[1] if words[1:] else None))

    def _stop(self, words: list[str]) -> list[str]:
        return self._command(e.StopGroup(words[0]))

    def _gone(self, words: list[str]) -> list[str]:
        return self._command(e.ConfirmGone(words[0], int(words[1]) if words[1:] else self.state.epoch))

    def _show(self, words: list[str]) -> list[str]:
        lines = [f"{name}: {_presence(facts)}" for name, facts in self.state.nodes.items()]
        for group in self.state.cluster.groups:
            facts = self.state.groups[group.name]
            where = "; ".join(
                f"{node} {' '.join(hold.status.value for hold in holds)}" for node, holds in facts.holds.items()
            )
            lines.append(f"{group.name}: {facts.wanted}, home {facts.home}; {where}")
        return lines


def _presence(facts: NodeFacts) -> str:
    return f"{facts.presence}{f' ({facts.proof})' if facts.proof else ''}"


def told(action: a.Action) -> Iterator[str]:
    """An action as the transcript writes it."""
    match action:
        case a.StartResource():
            yield f"{action.node} starts {action.group}.{action.resource}"
        case a.StopResource():
            yield f"{action.node} stops {action.group}.{action.resource}"
        case a.ProbeNode():
            yield f"{action.node} probes"
        case a.FenceNode():
            yield f"{action.node} fences {action.target}"
        case a.LeaveCluster():
            yield f"{action.node} may leave"
        case a.ArmTimer():
            yield f"arm {action.timer.partition(':')[0]} {action.after_ms} ms"
        case a.AnswerCommand():
            yield f"{'accepted' if action.accepted else 'refused'}: {action.said.en}"
        case a.RaiseAlert():
            yield f"{action.said.code} {action.said.en}"


def play(text: str) -> tuple[str, str]:
    """The text with the answers as the core gives them now, and the digest of the last state."""
    transcript = Transcript()
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("    "):
            continue
        lines.append(line)
        if line and not line.startswith("#"):
            lines.extend(f"    {answer}" for answer in transcript.play(line))
    return "\n".join(lines) + "\n", digest(replace(transcript.state, notes=()))


def main(arguments: list[str]) -> None:
    """Print digests, or rewrite the files."""
    rewrite = arguments[:1] == ["--rewrite"]
    for name in arguments[1:] if rewrite else arguments:
        path = Path(name)
        text, last = play(path.read_text(encoding="utf-8"))
        if rewrite:
            path.write_text(text, encoding="utf-8")
        else:
            print(path.name, last)


if __name__ == "__main__":
    main(sys.argv[1:])
