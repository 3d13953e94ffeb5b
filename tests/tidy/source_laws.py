"""The laws of style as checkers. Each takes sources as text and returns what breaks the law, one line each.

They touch no file: the tests run them over the tree, and over planted violations.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

FUNCTION_LINES = 70
FILE_LINES = 500
CORE_FILE_LINES = 400
CORE_LINES = 3000
FORBIDDEN_NAMES = frozenset(
    {"util", "utils", "common", "helper", "helpers", "manager", "managers", "base", "misc", "miscellaneous"}
)
# Building one of these makes the order of a walk, or a value, depend on the process.
FORBIDDEN_IN_CORE = frozenset({"set", "frozenset", "hash", "id", "float", "complex"})
PURE = ("core", "model")
THIRD_PARTY = frozenset(
    ("boto3", "botocore", "pyroute2", "pydantic", "pydantic_core", "yaml", "dns", "typer", "rich", "urllib3"),
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def ring(path: Path) -> str:
    """The ring of a product file: `core` of src/komainu/core/step.py, `ports` of src/komainu/ports.py."""
    return path.parts[2].removesuffix(".py") if path.parts[:2] == ("src", "komainu") else ""


def sizes(path: Path, source: str) -> Iterator[str]:
    """A function of 70 lines at most; a file of 500, in the core 400."""
    lines = source.count("\n")
    most = CORE_FILE_LINES if ring(path) == "core" else FILE_LINES
    if lines > most:
        yield f"{path}: {lines} lines, at most {most}: two subjects share this file"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{path}:{node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES}"


def core_size(sources: Mapping[Path, str]) -> Iterator[str]:
    """The whole core fits in 3,000 lines, so that one person can hold it in the head."""
    total = sum(source.count("\n") for path, source in sources.items() if ring(path) == "core")
    if total > CORE_LINES:
        yield f"src/komainu/core: {total} lines in all, at most {CORE_LINES}"


def names(path: Path) -> Iterator[str]:
    """A file is named after what it does. These names say nothing, and so they attract everything."""
    for part in path.with_suffix("").parts:
        for word in part.removeprefix("test_").split("_"):
            if word.lower() in FORBIDDEN_NAMES:
                yield f"{path}: the name {part!r} says nothing: name the subject"


def determinism(path: Path, source: str) -> Iterator[str]:
    """Law 7: core and model build no set, call no hash() or id(), use no float."""
    if ring(path) not in PURE:
        return
    tree = ast.parse(source)
    allowed = {id(name) for call in ast.walk(tree) for name in _names_in_isinstance(call)}
    for node in ast.walk(tree):
        found = _impure(node)
        if found and id(node) not in allowed:
            yield f"{path}:{getattr(node, 'lineno', 0)}: {found}: not in {ring(path)} (law 7)"


def _names_in_isinstance(node: ast.AST) -> Iterator[ast.AST]:
    """To refuse a float one must be able to name it: `isinstance(value, float)` is allowed."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
        for argument in node.args[1:]:
            yield from ast.walk(argument)


def _impure(node: ast.AST) -> str:
    match node:
        case ast.Set() | ast.SetComp():
            return "a set is built"
        case ast.Name(id=name, ctx=ast.Load()) if name in FORBIDDEN_IN_CORE:
            return f"{name} is used"
        case ast.Constant(value=float() | complex()):
            return "a float literal"
        case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
            return "a division that gives a float (use //)"
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.BitXor() | ast.Sub(), left=left, right=right):
            return "a set is built from keys() or items()" if _is_view(left) or _is_view(right) else ""
    return ""


def _is_view(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="keys" | "items"), args=[]):
            return True
    return False


def exceptions(path: Path, source: str) -> Iterator[str]:
    """No bare except; no `except Exception` that does nothing."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield f"{path}:{node.lineno}: a bare except: name what you expect"
        elif _catches_everything(node.type) and all(_does_nothing(statement) for statement in node.body):
            yield f"{path}:{node.lineno}: every exception is swallowed: a defect would stay unseen"


def _catches_everything(node: ast.expr) -> bool:
    caught = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(isinstance(each, ast.Name) and each.id in ("Exception", "BaseException") for each in caught)


def _does_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Continue() | ast.Break():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
    return False


def sleeps(path: Path, source: str) -> Iterator[str]:
    """Nothing in the product sleeps: it waits for the state, with a deadline (law 13)."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="time"), attr="sleep"):
                yield f"{path}:{node.lineno}: time.sleep: wait for the state instead (law 13)"
            case ast.ImportFrom(module="time", names=imported) if any(name.name == "sleep" for name in imported):
                yield f"{path}:{node.lineno}: sleep of time: wait for the state instead (law 13)"


def imports(path: Path, source: str) -> Iterator[str]:
    """The product imports itself, the standard library and its declared dependencies; the mirror only the first two."""
    inside_mirror = ring(path) == "mirror"
    for line, module in imported_modules(source):
        top = module.split(".")[0]
        if top == "komainu":
            if inside_mirror and not (module + ".").startswith("komainu.mirror."):
                yield f"{path}:{line}: {module}: the mirror imports only the standard library"
        elif top not in sys.stdlib_module_names and (inside_mirror or top not in THIRD_PARTY):
            yield f"{path}:{line}: {module} is not a declared dependency of the product"


def imported_modules(source: str) -> Iterator[tuple[int, str]]:
    """Every absolute import of a source, wherever it stands: line and module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.lineno, node.module


def only_declares(source: str) -> bool:
    """Does this module only declare: constants, dataclasses, enumerations, protocols, no behaviour of its own?"""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Lambda):
            return False
        if isinstance(node, Function) and not all(_does_nothing(statement) for statement in node.body):
            return False
    return True
