"""The direction of imports, as contracts of import-linter (design: imports run inward only).

The rings are written down whole. A contract speaks only of modules that exist, so the laws hold from the first
ring on; a package that no ring names breaks the exhaustive layers, so none slips in unseen.
"""

import ast
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

# Outermost first. Rings in one row are siblings, and independent of each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("compose",),
    ("cli", "web", "migrate"),
    ("api",),
    ("agent",),
    ("catalogue",),
    ("types", "arbitration", "config", "adapters"),
    ("ports", "core"),
    ("model", "mirror"),
)
# The core is pure (law 1): time is data, and nothing is read from the machine.
IMPURE = (
    *("asyncio", "calendar", "concurrent", "contextvars", "ctypes", "datetime", "fcntl", "getpass", "glob", "io"),
    *("locale", "logging", "math", "multiprocessing", "os", "pathlib", "pickle", "platform", "pwd", "queue", "random"),
    *("resource", "sched", "secrets", "select", "selectors", "shutil", "signal", "socket", "socketserver", "ssl"),
    *("statistics", "subprocess", "sys", "tempfile", "threading", "time", "uuid", "warnings", "weakref", "zoneinfo"),
)
Contract = dict[str, Any]


def contracts(modules: Iterable[str], is_type: Callable[[str], bool]) -> list[Contract]:
    """The contracts for a package of which these modules exist (`komainu`, `komainu.core`, `komainu.core.step`...)."""
    known = sorted(modules)
    return [
        contract
        for contract in (
            layers(),
            acyclic(),
            forbidden("types, arbitration, config, adapters never import core", known, _OUTSIDE_THE_CORE, ["core"]),
            forbidden("the core and the model are pure", known, ["core", "model"], IMPURE, outside=True),
            forbidden("cli imports only api and model", known, ["cli"], [*_BELOW_API, "web", "migrate"], direct=True),
            forbidden("web imports only api and model", known, ["web"], [*_BELOW_API, "cli", "migrate"], direct=True),
            forbidden("the daemon never imports migrate", known, ["compose", "agent", "api"], ["migrate"]),
            forbidden("the product never imports the lab", known, [""], ["komainu_lab"], outside=True),
            protected(known),
            independent(sorted(filter(is_type, known))),
        )
        if contract
    ]


_OUTSIDE_THE_CORE = ["types", "arbitration", "config", "adapters"]
_BELOW_API = ["agent", "catalogue", "types", "arbitration", "config", "adapters", "ports", "core", "mirror"]


def layers() -> Contract:
    """Imports run inward only, and each package of the product has its ring."""
    return {
        "name": "imports run inward only",
        "type": "layers",
        "containers": ["komainu"],
        "layers": [" | ".join(f"({ring})" for ring in row) for row in LAYERS],
        "exhaustive": True,
    }


def acyclic() -> Contract:
    """Siblings do not import each other in a ring, at any depth."""
    return {"name": "no cycles", "type": "acyclic_siblings", "ancestors": ["komainu"]}


def forbidden(
    name: str,
    known: Sequence[str],
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    outside: bool = False,
    direct: bool = False,
) -> Contract | None:
    """`sources` never import `targets`; `outside` targets are no part of komainu; `direct`: chains are allowed."""
    existing = [module for module in map(_inside, sources) if module in known]
    aims = list(targets) if outside else [module for module in map(_inside, targets) if module in known]
    if not existing or not aims:
        return None
    return {
        "name": name,
        "type": "forbidden",
        "source_modules": existing,
        "forbidden_modules": aims,
        "allow_indirect_imports": direct,
    }


def _inside(ring: str) -> str:
    return f"komainu.{ring}" if ring else "komainu"


def protected(known: Sequence[str]) -> Contract | None:
    """Adapters are chosen at one place. The lab may drive one by itself: it is no part of the product."""
    if "komainu.adapters" not in known:
        return None
    importers = [module for module in ("komainu.compose", "komainu_lab") if module in known]
    return {
        "name": "adapters are imported by compose alone",
        "type": "protected",
        "protected_modules": ["komainu.adapters"],
        "allowed_importers": importers,
    }


def independent(types: Sequence[str]) -> Contract | None:
    """A type knows no other type. One that outgrew its file has parts, named after it (exec, exec_params)."""
    if len(types) < 2:
        return None
    inside = [
        f"{one} -> {other}" for one in types for other in types if one != other and _family(one) == _family(other)
    ]
    return {
        "name": "types are independent of one another",
        "type": "independence",
        "modules": list(types),
        "ignore_imports": inside,
        "unmatched_ignore_imports_alerting": "none",
    }


def _family(module: str) -> str:
    package, _, stem = module.rpartition(".")
    return f"{package}.{stem.partition('_')[0]}"


def declares_a_type(source: str) -> bool:
    """Is this module below `types` a type, and not something that types share? A type has its Params."""
    return any(isinstance(node, ast.ClassDef) and node.name.endswith("Params") for node in ast.parse(source).body)


def configuration(roots: Sequence[str], found: Iterable[Contract]) -> str:
    """The contracts in the form that import-linter reads (TOML; a JSON value of ours is one of TOML too)."""
    lines = ["[tool.importlinter]", f"root_packages = {json.dumps(list(roots))}", "include_external_packages = true"]
    for contract in found:
        lines += ["", "[[tool.importlinter.contracts]]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in contract.items()]
    return "\n".join(lines) + "\n"


def modules_below(package: Path) -> list[str]:
    """The dotted names of a package's modules, itself included."""
    found = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found
