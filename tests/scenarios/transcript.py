"""Transcripts: what is delivered, and what the core answers, in one text that reads as prose.

A file is comments, then commands at the left margin; indented lines are what the core answered. Commands:

    cluster n1 n2: arbitration operator          nodes, arbitration (as in komainu_lab.sim.arbitrations)
    policy stop_final_action=none                how resources of the groups that follow are recovered
    group db on n1 n2: disk! postgres!           each stands on the one before; `!` marks an exclusive resource;
                                                 `vip1|vip2` side by side; `start=manual failover=manual failback=auto`
                                                 `destination=healthiest`; `after=web` and `with=web`: depends on web
    exclude absolute db web                      or `normal`
    watch ping1 for node|web|web.http: restarts=1 failovers=1 final=shutdown while=web.http script np
    configure web on n1 n2: vip http             as `group`, in a configuration that is to be applied; `remove web`
    observe ping1 for node: final=shutdown       as `watch`, in that configuration; `add n3`: a further node in it
    form                                         all nodes join, are probed, and run nothing
    view n1 n2 / n3                              members / nodes in the ring without a daemon
    sync n1: n2 n3                               n1's state goes on; those after the colon bring another history
    probe n2: db.disk@4 db.postgres? ...         found running (since epoch 4), `?` unclear; the rest is stopped
    ok | fail | unknown [n1 db.disk]             the oldest pending action (of that node and resource) ends so
    settle                                       every pending action succeeds, until there is none
    monitor n1 web.http failed|unknown|normal    a resource's own check changed its verdict
    finds n1 ping1 failed|unknown|normal         a monitor of its own did; `late`: in the round before
    apply | agree n1 | object n1                 the configuration is proposed; members judge it
    timer agent                                  the armed timer of that kind fires; `timers`: the kinds that are armed
    silent n1 | leave n1                         a daemon fell silent; a daemon is asked to end
    move web [n2] | start web [n2] | stop web
    order suspend n1 | order stop-node n1 shutdown | order maintenance on | ...    any other command, by its verb
    gone n2 [4]                                  the operator's word (as he saw it in epoch 4)
    won n2 [waited] [in 1-2] | lostvote n2       it holds the vote (claimed after D; in that ring); not any more
    ending n2 | regained n2                      its right to act is about to end; it has one again
    configuration {...} | event {...}            as the simulator writes them, in JSON on one line
    remembered 7 [maintenance]                   what the daemon knew besides: its highest epoch, the switch
    show                                         what is known, in one line per group and node

`python -m tests.scenarios.transcript FILE ...` prints the digests of the final states (for comparison under several
hash seeds); with `--rewrite` it writes the answers into the files.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from komainu.agent.members.snapshot import encode
from komainu.agent.members.wire import event_from_json
from komainu.core.state import RULES, Marks, NodeFacts, State, initial
from komainu.core.step import step
from komainu.model import actions as a, commands as c, events as e
from komainu.model.config import Cluster, Exclusion, Group, Monitor, Node, Recovery, Resource
from komainu.model.message import Said
from komainu.model.outcome import SUCCEEDED, Outcome, Result
from komainu_lab.sim.arbitrations import arbitration
from tests.scenarios.telling import told

NO_ANSWER = Said("T2", "There was no answer.", "応答がありません。", "error")
TAKEN = Said("T3", "the other node has claimed it.", "他のノードが取得したためです。", "error")
BROKEN = Said("T1", "It is broken.", "故障です。", "error")
OUTCOMES = {"ok": SUCCEEDED, "fail": Outcome(Result.FAILED, BROKEN), "unknown": Outcome(Result.UNKNOWN, NO_ANSWER)}
VERDICTS = {"normal": SUCCEEDED, "failed": OUTCOMES["fail"], "unknown": OUTCOMES["unknown"]}

Pending = a.StartResource | a.StopResource | a.ProbeNode | a.FenceNode | a.RunScript

ORDERS: dict[str, Callable[..., c.Command]] = {
    "restore": c.RestoreGroup,
    "start-resource": c.StartPart,
    "stop-resource": c.StopPart,
    "suspend-monitor": lambda name, node=None: c.SuspendMonitor(name, node),
    "resume-monitor": lambda name, node=None: c.ResumeMonitor(name, node),
    "fail": lambda name, on, node=None: c.SimulateFailure(name, node, on == "on"),
    "suspend": lambda node=None: c.SuspendNode(node),
    "resume": lambda node=None: c.ResumeNode(node),
    "stop-node": lambda node, then="stop": c.StopNode(node, then),
    "stop-cluster": lambda then="stop": c.StopNode(None, then),
    "maintenance": lambda on: c.SetMaintenance(on == "on"),
}


class CoreError(Exception):
    """The core itself failed, not the play."""


class Transcript:
    """Plays the commands of one file."""

    def __init__(self, rules: int = 0) -> None:
        """`rules`: those by which everything is decided, whatever the file says; 0: as the file says."""
        self.forced = rules
        self.nodes: tuple[str, ...] = ()
        self.kind = "operator"
        self.groups: list[Group] = []
        self.exclusions: list[Exclusion] = []
        self.monitors: list[Monitor] = []
        self.policy: dict[str, Any] = {"start_retries": 1, "restarts": 1, "failovers": 1}
        self.rules = rules or RULES
        self.built: State | None = None
        self.wanted: Cluster | None = None
        self.pending: list[Pending] = []
        self.change = ""
        self.rounds: dict[str, list[str]] = {}
        self.counts = {"view": 0, "command": 0, "life": 0, "vote": 0}

    @property
    def state(self) -> State:
        """The state; made from the configuration when it is first asked for."""
        if self.built is None:
            nodes = tuple(Node(name=name, id=n + 1, links=(f"10.0.0.{n + 1}",)) for n, name in enumerate(self.nodes))
            cluster = Cluster(
                name="t",
                environment="onprem",
                detect_within_ms=1_500,
                arbitration=arbitration(self.kind),
                nodes=nodes,
                groups=tuple(self.groups),
                exclusions=tuple(self.exclusions),
                monitors=tuple(self.monitors),
            )
            self.built = initial(cluster)
        return self.built

    def play(self, line: str) -> list[str]:
        """The answers to one command."""
        raw, _, rest = line.partition(" ")
        if raw in ("configuration", "event"):
            return self._configuration(rest) if raw == "configuration" else self._event(rest)
        verb, *words = re.sub(r":(?=\s|$)", " :", line).split()
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

    def _configuration(self, text: str) -> list[str]:
        cluster = Cluster.model_validate_json(text)
        self.nodes, self.built = tuple(node.name for node in cluster.nodes), initial(cluster)
        return []

    def _remembered(self, words: list[str]) -> list[str]:
        self.built = initial(self.state.cluster, int(words[0]), Marks(maintenance="maintenance" in words))
        return []

    def _event(self, text: str) -> list[str]:
        return self.deliver(event_from_json(json.loads(text)))

    def _rules(self, words: list[str]) -> list[str]:
        self.rules = self.forced or int(words[0])
        return []

    def _policy(self, words: list[str]) -> list[str]:
        self.policy = {**self.policy, **{key: _number(value) for key, value in (word.split("=") for word in words)}}
        return []

    def _group(self, words: list[str]) -> list[str]:
        self.groups.append(self._made(words))
        return []

    def _made(self, words: list[str]) -> Group:
        colon = words.index(":")
        told: dict[str, Any] = {"name": words[0], "nodes": words[2:colon], "depends_on": []}
        resources: list[Resource] = []
        level: tuple[str, ...] = ()
        for word in words[colon + 1 :]:
            key, equals, value = word.partition("=")
            if key in ("after", "with"):
                told["depends_on"].append({"group": value, "same_node": key == "with"})
            elif equals:
                told[key] = _number(value)
            else:
                resources += [self._resource(name, level) for name in word.split("|")]
                level = tuple(name.rstrip("!") for name in word.split("|"))
        return Group.model_validate({**told, "resources": tuple(resources)})

    def _resource(self, name: str, after: tuple[str, ...]) -> Resource:
        plain, _, port = name.rstrip("!").partition(":")
        return Resource(
            name=plain,
            type="test",
            exclusive=name.endswith("!"),
            params={"port": port} if port else {},
            start_timeout_ms=1_000,
            stop_timeout_ms=1_000,
            check_interval_ms=1_000,
            check_timeout_ms=1_000,
            prepare_interval_ms=1_000,
            recovery=Recovery(**self.policy),
            depends_on=after,
            monitor=f"{plain}w",
        )

    def _exclude(self, words: list[str]) -> list[str]:
        told = {"name": f"x{len(self.exclusions) + 1}", "kind": words[0], "groups": words[1:]}
        self.exclusions.append(Exclusion.model_validate(told))
        return []

    def _watch(self, words: list[str]) -> list[str]:
        self.monitors.append(self._watching(words))
        return []

    def _watching(self, words: list[str]) -> Monitor:
        colon = words.index(":")
        name, target = words[0], words[2]
        recovery: dict[str, Any] = {"target": _target(target), "restarts": 0, "failovers": 0}
        told: dict[str, Any] = {"name": name, "type": "test", "nodes": self.nodes, "params": {}}
        for word in words[colon + 1 :]:
            key, _, value = word.partition("=")
            match key:
                case "while":
                    told["watches"] = _target(value)
                case "np":
                    told["np"] = True
                case "script":
                    recovery["script"] = "/script"
                case "final":
                    recovery["final_action"] = value
                case "on":
                    told["nodes"] = value.split(",")
                case _:
                    recovery[key] = int(value)
        times = {"first_wait_ms": 0, "interval_ms": 1_000, "timeout_ms": 1_000, "retries": 0}
        return Monitor.model_validate({**told, **times, "recovery": recovery})

    def _configure(self, words: list[str]) -> list[str]:
        made = self._made(words)
        groups = self._wanted().groups
        names = [group.name for group in groups]
        rest = tuple(made if group.name == made.name else group for group in groups)
        self._want(groups=rest if made.name in names else (*groups, made))
        return []

    def _observe(self, words: list[str]) -> list[str]:
        made = self._watching(words)
        rest = tuple(each for each in self._wanted().monitors if each.name != made.name)
        self._want(monitors=(*rest, made))
        return []

    def _add(self, words: list[str]) -> list[str]:
        self.nodes = (*self.nodes, words[0])
        number = len(self.nodes)
        node = Node(name=words[0], id=number, links=(f"10.0.0.{number}",))
        self._want(nodes=(*self._wanted().nodes, node))
        return []

    def _remove(self, words: list[str]) -> list[str]:
        groups = tuple(group for group in self._wanted().groups if group.name not in words)
        nodes = tuple(node for node in self._wanted().nodes if node.name not in words)
        self._want(groups=groups, nodes=nodes)
        return []

    def _wanted(self) -> Cluster:
        now = self.state.cluster
        return self.wanted or now.model_copy(update={"version": now.version + 1})

    def _want(self, **parts: object) -> None:
        self.wanted = self._wanted().model_copy(update=parts)

    # --- deliveries ------------------------------------------------------------------------------------------------

    def deliver(self, event: e.Event) -> list[str]:
        """Deliver one event; the lines say what the core answered."""
        try:
            done = step(self.state, event, self.rules)
            if self.forced:
                self._at_rest(done.state)
        except Exception as error:
            raise CoreError(f"rules {self.rules}, {event}: {type(error).__name__}: {error}") from error
        self.built = done.state
        self.change = done.state.change.id if done.state.change is not None else self.change
        for name, known in done.state.monitors.items():
            for node, watch in known.on.items():
                seen = self.rounds.setdefault(f"{node} {name}", [])
                seen += [watch.round] if watch.round and watch.round not in seen else []
        self.pending.extend(action for action in done.actions if isinstance(action, Pending))
        return [line for action in done.actions for line in told(action)]

    def _at_rest(self, state: State) -> None:
        """Everything that follows from an event was decided with it (law 2)."""
        again = step(state, e.TimerFired("none"), self.rules)
        assert (again.state, again.actions) == (state, ()), "an event that means nothing leads to something"

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
                members.append(e.Member(name, f"{name}.{self.counts['life']}", self.rules, self.state.epoch, False))
            elif facts.presence in ("member", "joining"):
                members.append(e.Member(name, facts.incarnation, self.rules, self.state.epoch, True))
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

    def _finds(self, words: list[str]) -> list[str]:
        node, name, verdict = words
        watch = self.state.monitor(name).on.get(node)
        return self.deliver(e.MonitorJudged(node, name, watch.round if watch else "", VERDICTS[verdict]))

    def _late(self, words: list[str]) -> list[str]:
        node, name, verdict = words
        watch = self.state.monitor(name).on.get(node)
        earlier = [each for each in self.rounds[f"{node} {name}"] if watch is None or each != watch.round]
        return self.deliver(e.MonitorJudged(node, name, earlier[-1], VERDICTS[verdict]))

    def _apply(self, words: list[str]) -> list[str]:
        wanted, self.wanted = self._wanted(), None
        return self._command(c.ChangeConfiguration(wanted, "somebody", "a reason"))

    def _agree(self, words: list[str]) -> list[str]:
        return self.deliver(e.ConfigurationJudged(self.change, words[0], ()))

    def _object(self, words: list[str]) -> list[str]:
        return self.deliver(e.ConfigurationJudged(self.change, words[0], (BROKEN,)))

    def _order(self, words: list[str]) -> list[str]:
        return self._command(ORDERS[words[0]](*words[1:]))

    def _timer(self, words: list[str]) -> list[str]:
        (timer,) = [timer for timer in self.state.timers if timer.startswith(words[0])]
        return self.deliver(e.TimerFired(timer))

    def _timers(self, words: list[str]) -> list[str]:
        return [" ".join(timer.partition(":")[0] for timer in self.state.timers) or "none"]

    def _silent(self, words: list[str]) -> list[str]:
        return self.deliver(e.AgentSilent(words[0], self.state.nodes[words[0]].incarnation))

    def _leave(self, words: list[str]) -> list[str]:
        return self.deliver(e.NodeLeaving(words[0], self.state.nodes[words[0]].incarnation))

    def _won(self, words: list[str]) -> list[str]:
        self.counts["vote"] += 1
        ring = words[words.index("in") + 1] if "in" in words else self.state.ring
        wait_ms = self.state.cluster.arbitration.wait_ms
        return self.deliver(e.VoteWon(words[0], ring, self.counts["vote"], "waited" in words, wait_ms))

    def _lostvote(self, words: list[str]) -> list[str]:
        ring = words[words.index("in") + 1] if "in" in words else self.state.ring
        return self.deliver(e.VoteLost(words[0], ring, TAKEN))

    def _ending(self, words: list[str]) -> list[str]:
        return self.deliver(e.RightEnding(words[0], self.state.nodes[words[0]].incarnation, NO_ANSWER))

    def _regained(self, words: list[str]) -> list[str]:
        return self.deliver(e.RightRegained(words[0], self.state.nodes[words[0]].incarnation))

    # --- commands --------------------------------------------------------------------------------------------------

    def _command(self, command: c.Command) -> list[str]:
        self.counts["command"] += 1
        return self.deliver(e.CommandGiven(f"c{self.counts['command']}", self.nodes[0], command))

    def _move(self, words: list[str]) -> list[str]:
        return self._command(c.MoveGroup(words[0], words[1] if words[1:] else None))

    def _start(self, words: list[str]) -> list[str]:
        return self._command(c.StartGroup(words[0], words[1] if words[1:] else None))

    def _stop(self, words: list[str]) -> list[str]:
        return self._command(c.StopGroup(words[0]))

    def _gone(self, words: list[str]) -> list[str]:
        return self._command(c.ConfirmGone(words[0], int(words[1]) if words[1:] else self.state.epoch))

    def _show(self, words: list[str]) -> list[str]:
        lines = [f"{name}: {_presence(facts)}" for name, facts in self.state.nodes.items()]
        if self.state.vote is not None:
            lines.append(f"vote: {self.state.vote.node}{', waited' if self.state.vote.waited else ''}")
        for group in self.state.cluster.groups:
            facts = self.state.groups[group.name]
            where = "; ".join(
                f"{node} {' '.join(hold.status.value for hold in holds)}" for node, holds in facts.holds.items()
            )
            parked = f"; parked {' '.join(facts.parked)}" if facts.parked else ""
            lines.append(f"{group.name}: {facts.wanted}, home {facts.home}; {where}{parked}")
        for name, known in self.state.monitors.items():
            watches = [f"{node} {watch.verdict or 'nothing yet'}" for node, watch in known.on.items() if watch.round]
            lines.append(f"{name}: {'; '.join(watches) or 'does not check'}")
        return lines


def _remade(cluster: Cluster, **parts: object) -> Cluster:
    # Not model_copy: that would copy what the old one keeps at hand, its table of groups.
    fields = {name: getattr(cluster, name) for name in Cluster.model_fields}
    return Cluster.model_validate({**fields, **parts})


def _presence(facts: NodeFacts) -> str:
    proof = f" ({facts.proof})" if facts.proof else ""
    return (
        f"{facts.presence}{proof}{', suspended' if facts.suspended else ''}{', powerless' if facts.powerless else ''}"
    )


def _number(value: str) -> str | int:
    return int(value) if value.isdigit() else value


def _target(word: str) -> dict[str, str]:
    if word in ("node", "all-groups"):
        return {"kind": word}
    group, _, resource = word.partition(".")
    return {"kind": "resource" if resource else "group", "group": group, "resource": resource}


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
    return "\n".join(lines) + "\n", exactly(transcript.state)


def exactly(state: State) -> str:
    """A digest to the last byte, the wording of messages included."""
    return hashlib.sha256(encode(replace(state, notes=()))).hexdigest()[:32]


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
