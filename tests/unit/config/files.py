"""Any number of configuration files, of the right form in every part; most of them hold together as a whole, too."""

from typing import Any

from hypothesis import strategies as st

NODES = ("node1", "node2", "node3")
GROUPS = ("g1", "g2", "g3")
RESOURCES = ("a1", "a2", "a3", "a4")
TIMES = st.integers(30_000, 90_000)


def _some(optional: dict[str, st.SearchStrategy[Any]], **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(fixed, optional=optional)


def _subset(names: tuple[str, ...], least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), unique=True, min_size=least)


ACTIONS = st.sampled_from(["none", "stop-service", "shutdown", "reboot", "panic", "reset"])
RECOVERY = _some(
    {"restarts": st.integers(0, 3), "failovers": st.integers(0, 3), "final_action": ACTIONS, "reset_after_ms": TIMES}
)
SCRIPTS = _some({"before_start": st.just("/a"), "after_stop": st.just("/b"), "timeout_ms": st.integers(1, 9)})


def _resource(group: str) -> st.SearchStrategy[Any]:
    names = tuple(f"{group}-{name}" for name in RESOURCES)
    values = _some({"command": st.lists(st.sampled_from(["/a", "/b"])), "start": st.sampled_from(["x", None])})
    return _some(
        {
            "params": values,
            "per_node": st.dictionaries(st.sampled_from(NODES), values, max_size=2),
            "exclusive": st.booleans(),
            "start_timeout_ms": TIMES,
            "check_interval_ms": st.integers(100, 30_000),
            "depends_on": _subset(names),
            "recovery": RECOVERY,
            "scripts": SCRIPTS,
        },
        name=st.sampled_from(names),
        type=st.just("app"),
    )


def _group(name: str) -> st.SearchStrategy[Any]:
    dependency = st.sampled_from(GROUPS) | _some(
        {"same_node": st.booleans(), "start_wait_ms": TIMES}, group=st.sampled_from(GROUPS)
    )
    return _some(
        {
            "nodes": _subset(NODES, 1),
            "start": st.sampled_from(["auto", "manual"]),
            "failover": st.sampled_from(["auto", "manual"]),
            "failback": st.sampled_from(["auto", "manual"]),
            "destination": st.sampled_from(["priority", "healthiest"]),
            "failover_limit": st.integers(1, 9),
            "depends_on": st.lists(dependency, max_size=1),
            "resources": st.lists(_resource(name), max_size=3, unique_by=lambda each: str(each["name"])),
        },
        name=st.just(name),
    )


TARGET = st.sampled_from(["local-server", "all-groups"]) | _some({}, group=st.sampled_from(GROUPS))
MONITOR = _some(
    {
        "watches": st.just("always") | _some({}, group=st.sampled_from(GROUPS)),
        "nodes": _subset(NODES, 1),
        "interval_ms": st.integers(100, 30_000),
        "recovery": _some({"target": TARGET, "script": st.just("/s"), "reset_after_ms": TIMES}),
        "np": st.booleans(),
    },
    name=st.sampled_from(["m1", "m2"]),
    type=st.sampled_from(["ping", "inside", "ofapp"]),
    params=st.just({"host": "h"}),
)
EXCLUSION = _some({}, name=st.just("x"), kind=st.sampled_from(["normal", "absolute"]), groups=_subset(GROUPS, 2))
NOTIFICATION = _some(
    {"level": st.sampled_from(["info", "error"])},
    name=st.just("n"),
    kind=st.just("mail"),
    params=st.just({"to": "x"}),
)


ARBITRATION = st.sampled_from(["none", "operator", "majority"]) | _some(
    {
        "lease": st.just({"type": "urn", "params": {"place": "here"}}),
        "fence": _some(
            {"timeout_ms": TIMES, "params": st.just({"hard": True})},
            type=st.just("plug"),
            per_node=st.just({node: {"socket": node} for node in NODES}),
        ),
        "right_ms": st.integers(1_000, 30_000),
        "wait_ms": st.integers(1_000, 40_000),
        "store_timeout_ms": st.integers(1, 5_000),
        "stop_grace_ms": st.integers(1, 5_000),
        "head_start_ms": st.integers(0, 1_000),
    },
    kind=st.sampled_from(["none", "operator", "lease", "majority"]),
)


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    """One file, as YAML has it."""
    file: dict[str, Any] = {
        "cluster": {
            "name": "c",
            "environment": draw(st.sampled_from(["aws", "onprem"])),
            "arbitration": draw(st.just("operator") | ARBITRATION),
        },
        "nodes": [{"name": name, "links": [f"10.0.0.{number}"]} for number, name in enumerate(NODES, start=1)],
        "groups": [draw(_group(name)) for name in draw(_subset(GROUPS))],
        "monitors": draw(st.lists(MONITOR, max_size=2, unique_by=lambda each: str(each["name"]))),
        "exclusions": draw(st.lists(EXCLUSION, max_size=1)),
        "notifications": draw(st.lists(NOTIFICATION, max_size=1)),
    }
    if draw(st.booleans()):
        file["cluster"]["aws"] = {"region": "ap-northeast-1"}
    return {key: part for key, part in file.items() if part or key != "groups"}
