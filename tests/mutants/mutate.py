"""A guard of the core, and the core without it: one expression or statement is replaced in the syntax tree."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef


class DoesNotApplyError(Exception):
    """The text of the guard is not there, or there more than once: the list has to be mended."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Something that the core must not lose. Broken as told, a test has to fail."""

    name: str
    file: str
    "Below src/komainu."
    where: str
    "The function that it stands in."
    old: str
    "The expression, or the statements, as the source has them; formatting does not matter."
    new: str
    "What takes its place."
    nth: int = 0
    "Which of several equal ones, counted from 1; 0: there is only one."


def applied(guard: Guard, source: str) -> str:
    """The source of the file with the guard broken. Raises DoesNotApplyError."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, Function) and node.name == guard.where]
    if len(functions) != 1:
        raise DoesNotApplyError(f"{guard.name}: {guard.file} has {len(functions)} functions {guard.where}")
    old, new = ast.parse(guard.old).body, ast.parse(guard.new).body
    expression = len(old) == len(new) == 1 and isinstance(old[0], ast.Expr) and isinstance(new[0], ast.Expr)
    places = _expressions(functions[0], old[0]) if expression else _statements(functions[0], old)
    found = sorted(places, key=lambda place: place[3])
    if not found or (len(found) > 1 and not guard.nth) or guard.nth > len(found):
        raise DoesNotApplyError(f"{guard.name}: {guard.where} in {guard.file} has {len(found)} times: {guard.old}")
    parent, field, index, _ = found[max(guard.nth - 1, 0)]
    value = getattr(parent, field)
    if not expression:
        value[index : index + len(old)] = new
    elif isinstance(value, list):
        value[index] = _expression(new)
    else:
        setattr(parent, field, _expression(new))
    changed = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    if ast.dump(ast.parse(changed)) == ast.dump(ast.parse(source)):
        raise DoesNotApplyError(f"{guard.name}: it replaces {guard.old} by itself")
    return changed


Place = tuple[ast.AST, str, int, tuple[int, int]]
"The node above, its field, the index there, and the place in the source."


def _expressions(function: Function, wanted: ast.stmt) -> Iterator[Place]:
    """Where that expression stands in the function, in the order of the source."""
    assert isinstance(wanted, ast.Expr)
    text = ast.dump(wanted.value)
    for parent in ast.walk(function):
        for field, value in ast.iter_fields(parent):
            for index, node in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(node, ast.expr) and ast.dump(node) == text:
                    yield parent, field, index, (node.lineno, node.col_offset)


def _statements(function: Function, wanted: list[ast.stmt]) -> Iterator[Place]:
    """Where those statements stand one after the other in the function."""
    texts = [ast.dump(node) for node in wanted]
    for parent in ast.walk(function):
        for field, value in ast.iter_fields(parent):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                present = [ast.dump(node) for node in value]
                for index in range(len(present) - len(texts) + 1):
                    if present[index : index + len(texts)] == texts:
                        yield parent, field, index, (value[index].lineno, value[index].col_offset)


def _expression(body: list[ast.stmt]) -> ast.expr:
    (statement,) = body
    assert isinstance(statement, ast.Expr)
    return statement.value
