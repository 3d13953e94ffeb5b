"""What pydantic refuses, in the administrator's words: which key, what was expected, what to write instead."""

import difflib
from collections.abc import Callable, Iterable, Sequence
from ipaddress import AddressValueError
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from komainu.config.problem import Finding, Path, shown
from komainu.model.message import Message, Refused, Said
from komainu.model.names import NAME_PATTERN

MISSING = Message(
    "KM1101",
    "`{key}` is missing. It has no default: add it.",
    "`{key}` がありません。既定値がないため、指定が必要です。",
    "error",
)
UNKNOWN_KEY = Message(
    "KM1102",
    "The key {key} is not known here. It may be a slip, so it is not ignored. Possible keys: {possible}.",
    "キー {key} はここでは使えません。書き誤りかもしれないため、無視しません。使えるキー: {possible}。",
    "error",
)
MISSPELT_KEY = Message(
    "KM1103",
    "The key {key} is not known here. Did you mean `{near}`?",
    "キー {key} はここでは使えません。`{near}` ではありませんか。",
    "error",
)
NO_VALUE = Message(
    "KM1104",
    "There is no value. Write one, or remove the key.",
    "値がありません。値を書くか、キーを削除してください。",
    "error",
)
NOT_TEXT = Message(
    "KM1105",
    "{value} is not a text. If it is meant as one, put it in quotes.",
    "{value} は文字列ではありません。文字列のつもりであれば引用符で囲んでください。",
    "error",
)
NOT_WHOLE = Message(
    "KM1106",
    "{value} is not a whole number. Write digits only, without quotes; the unit is in the name of the key.",
    "{value} は整数ではありません。引用符を付けずに数字だけを書いてください。単位はキーの名前に含まれています。",
    "error",
)
NOT_NUMBER = Message(
    "KM1107",
    "{value} is not a number. Write it without quotes.",
    "{value} は数値ではありません。引用符を付けずに書いてください。",
    "error",
)
NOT_TRUTH = Message(
    "KM1108",
    "{value} is neither `true` nor `false`. Write one of the two, without quotes; `yes` and `on` are words here.",
    "{value} は `true` でも `false` でもありません。どちらかを引用符なしで書いてください。`yes` や `on` は単なる"
    "語として扱われます。",
    "error",
)
NOT_LIST = Message(
    "KM1109",
    "{value} is not a list. Write `[a, b]`, or one line `- a` for each item.",
    "{value} は一覧ではありません。`[a, b]` と書くか、項目ごとに `- a` の行を書いてください。",
    "error",
)
NOT_SECTION = Message(
    "KM1110",
    "{value} is not a section. Write keys with values, as in `key: value`, indented below this key.",
    "{value} は節ではありません。このキーの下に字下げして `キー: 値` の形で書いてください。",
    "error",
)
NOT_CHOICE = Message(
    "KM1111",
    "{value} is not possible here. Write one of: {choices}.",
    "{value} は指定できません。次のいずれかを書いてください: {choices}。",
    "error",
)
BELOW = Message(
    "KM1112",
    "{value} is too small: write {limit} or more.",
    "{value} は小さすぎます。{limit} 以上にしてください。",
    "error",
)
ABOVE = Message(
    "KM1113",
    "{value} is too large: write {limit} or less.",
    "{value} は大きすぎます。{limit} 以下にしてください。",
    "error",
)
NOT_ABOVE = Message(
    "KM1114",
    "{value} is too small: write more than {limit}.",
    "{value} は小さすぎます。{limit} より大きくしてください。",
    "error",
)
NOT_BELOW = Message(
    "KM1115",
    "{value} is too large: write less than {limit}.",
    "{value} は大きすぎます。{limit} より小さくしてください。",
    "error",
)
TOO_SHORT = Message(
    "KM1116",
    "{value} is too short: at least {limit} characters or items are needed.",
    "{value} は短すぎます。少なくとも {limit} 文字（または {limit} 個）必要です。",
    "error",
)
TOO_LONG = Message(
    "KM1117",
    "{value} is too long: at most {limit} characters or items are possible.",
    "{value} は長すぎます。最大 {limit} 文字（または {limit} 個）です。",
    "error",
)
BAD_NAME = Message(
    "KM1118",
    "{value} cannot be a name. A name starts with a letter or digit and has at most 31 letters, digits, `_`, `.` "
    "and `-`.",
    "{value} は名前に使えません。名前は英数字で始め、英数字と `_`、`.`、`-` を合わせて 31 文字以内にしてください。",
    "error",
)
BAD_PATTERN = Message(
    "KM1119",
    "{value} does not have the form that is needed here: `{pattern}`.",
    "{value} はここで必要な形式 `{pattern}` に合っていません。",
    "error",
)
NOT_ADDRESS = Message(
    "KM1120",
    "{value} is not an IP address. Write an address such as `10.1.0.20`, without a prefix length or a port.",
    "{value} は IP アドレスではありません。`10.1.0.20` のように、プレフィックス長もポートも付けずに書いてください。",
    "error",
)
NO_FORM = Message(
    "KM1121",
    "{value} has none of the forms that are possible here ({reasons}).",
    "{value} はここで使えるどの形式にも当てはまりません（{reasons}）。",
    "error",
)
TOGETHER = Message(
    "KM1198",
    "The values of this section do not go together: {reason}.",
    "この節の値の組み合わせは受け付けられません: {reason}。",
    "error",
)
OTHER = Message(
    "KM1199",
    "{value} is refused: {reason}.",
    "{value} は受け付けられません: {reason}。",
    "error",
)

_KINDS = {
    "string_type": NOT_TEXT,
    "path_type": NOT_TEXT,
    "int_type": NOT_WHOLE,
    "int_from_float": NOT_WHOLE,
    "float_type": NOT_NUMBER,
    "decimal_type": NOT_NUMBER,
    "bool_type": NOT_TRUTH,
    "list_type": NOT_LIST,
    "tuple_type": NOT_LIST,
    "set_type": NOT_LIST,
    "frozen_set_type": NOT_LIST,
    "dict_type": NOT_SECTION,
    "model_type": NOT_SECTION,
    "model_attributes_type": NOT_SECTION,
    "dataclass_type": NOT_SECTION,
    "ip_any_address": NOT_ADDRESS,
    "ip_v4_address": NOT_ADDRESS,
    "ip_v6_address": NOT_ADDRESS,
}
_LIMITS = {
    "greater_than_equal": (BELOW, "ge"),
    "less_than_equal": (ABOVE, "le"),
    "greater_than": (NOT_ABOVE, "gt"),
    "less_than": (NOT_BELOW, "lt"),
    "string_too_short": (TOO_SHORT, "min_length"),
    "too_short": (TOO_SHORT, "min_length"),
    "string_too_long": (TOO_LONG, "max_length"),
    "too_long": (TOO_LONG, "max_length"),
}
_LONGEST_KEY_COMPARED = 64

KeysAt = Callable[[Path], Sequence[str]]
"""The keys that are possible at a path, for the remedy of an unknown one."""


def nearest(word: str, possible: Iterable[str]) -> str | None:
    """What was probably meant, or None."""
    if len(word) > _LONGEST_KEY_COMPARED:
        return None
    whatever_case = {each.lower(): each for each in possible}
    matches = difflib.get_close_matches(word.lower(), whatever_case, n=1, cutoff=0.6)
    return whatever_case[matches[0]] if matches else None


def findings(error: ValidationError, data: Any, keys_at: KeysAt) -> list[Finding]:
    """Every refusal as a finding. `data` is what was validated; paths are relative to it."""
    found: list[Finding] = []
    unions: dict[Path, dict[str, list[ErrorDetails]]] = {}
    for detail in error.errors(include_url=False):
        path, form = _resolve(detail, data)
        if form is None:
            found.append(_finding(detail, path, keys_at))
        else:
            unions.setdefault(path, {}).setdefault(form, []).append(detail)
    for path, forms in unions.items():
        details = [detail for group in forms.values() for detail in group]
        if len(forms) == 1:
            found += [_finding(detail, _without_forms(detail["loc"], data), keys_at) for detail in details]
        else:
            reasons = "; ".join(dict.fromkeys(detail["msg"] for detail in details))
            found.append(Finding(path, NO_FORM.said(value=shown(_at(data, path)), reasons=reasons)))
    return found


def _unknown_key(path: Path, key: str, possible: Sequence[str]) -> Finding:
    near = nearest(key, possible)
    if near is not None and near != key:
        said = MISSPELT_KEY.said(key=shown(key), near=near)
        return Finding(path, said, at_key=True, meant=(*path[:-1], near))
    return Finding(path, UNKNOWN_KEY.said(key=shown(key), possible=", ".join(possible) or "-"), at_key=True)


def _finding(detail: ErrorDetails, path: Path, keys_at: KeysAt) -> Finding:
    kind, last = detail["type"], detail["loc"][-1] if detail["loc"] else ""
    if kind == "extra_forbidden":
        return _unknown_key(path, str(last), keys_at(path[:-1]))
    if kind == "missing":
        return Finding((*path, last), MISSING.said(key=last))
    if last == "[key]":
        return Finding(path, _said(detail), at_key=True)
    return Finding(path, _said(detail))


def _said(detail: ErrorDetails) -> Said:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    refused = context.get("error")
    if isinstance(refused, Refused):
        return refused.said
    if isinstance(refused, AddressValueError):
        return NOT_ADDRESS.said(value=shown(value))
    if value is None:
        return NO_VALUE.said()
    if kind in _KINDS:
        return _KINDS[kind].said(value=shown(value))
    if kind in _LIMITS:
        message, limit = _LIMITS[kind]
        return message.said(value=shown(value), limit=str(context[limit]))
    if kind in ("literal_error", "enum"):
        choices = str(context["expected"]).replace(" or ", ", ").replace("'", "`")
        return NOT_CHOICE.said(value=shown(value), choices=choices)
    if kind == "string_pattern_mismatch":
        if context["pattern"] == NAME_PATTERN:
            return BAD_NAME.said(value=shown(value))
        return BAD_PATTERN.said(value=shown(value), pattern=str(context["pattern"]))
    reason = detail["msg"].removeprefix("Value error, ").rstrip(".")
    if isinstance(value, (dict, list)):
        return TOGETHER.said(reason=reason)
    return OTHER.said(value=shown(value), reason=reason)


def _resolve(detail: ErrorDetails, data: Any) -> tuple[Path, str | None]:
    """The path in the data, and the form of a union that was tried there (None when there is no union).

    pydantic writes the tried form between the steps of the path; in the data there is no such step.
    """
    loc = detail["loc"]
    for number in range(len(loc)):
        if _at(data, loc[: number + 1], _ABSENT) is _ABSENT:
            is_key = number == len(loc) - 1 and (detail["type"] == "missing" or loc[number] == "[key]")
            return loc[:number], None if is_key else str(loc[number])
    if loc and _at(data, loc) != detail["input"] == _at(data, loc[:-1]):
        # A form that has the name of a key: `int` was tried on a section in which `int` is a key.
        return loc[:-1], str(loc[-1])
    return loc, None


def _without_forms(loc: tuple[int | str, ...], data: Any) -> Path:
    path: list[int | str] = []
    for step in loc:
        following = _at(data, (step,), _ABSENT)
        if following is not _ABSENT:
            path.append(step)
            data = following
    return tuple(path)


_ABSENT = object()


def _at(data: Any, path: Path, absent: Any = None) -> Any:
    for step in path:
        in_section = isinstance(data, dict) and step in data
        in_list = isinstance(data, list) and isinstance(step, int) and step < len(data)
        if not in_section and not in_list:
            return absent
        data = data[step]
    return data


def summary(error: ValidationError) -> str:
    """All refusals in pydantic's own words, on one line."""
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_url=False))
