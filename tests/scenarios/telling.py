"""Actions of the core as the transcripts write them."""

from collections.abc import Iterator

from komainu.model import actions as a


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
        case a.RunScript():
            yield f"{action.node} runs the script of {action.monitor}"
        case a.EndNode():
            yield f"{action.node} ends: {action.how}"
        case a.JudgeConfiguration():
            yield f"{action.node} judges version {action.cluster.version}"
        case a.LeaveCluster():
            yield f"{action.node} may leave{'' if action.then == 'end' else f', then {action.then}'}"
        case a.ArmTimer():
            yield f"arm {action.timer.partition(':')[0]} {action.after_ms} ms"
        case a.AnswerCommand():
            yield f"{'accepted' if action.accepted else 'refused'}: {action.said.en}"
        case a.RaiseAlert():
            yield f"{action.said.code} {action.said.en}"
