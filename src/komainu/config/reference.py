"""The reference of `cluster.yaml` in Markdown, in both languages, made from the declarations (design law 12).

`docs/en/configuration.md` and `docs/ja/configuration.md` hold it between two marks; a test keeps them equal.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from komainu.config import schema
from komainu.config.declared import Kind
from komainu.config.schema import Schema
from komainu.config.shape import ClusterFile
from komainu.model.message import Language, Message
from komainu.ports import FenceType, LeaseType, MonitorType, NotifierType, ResourceType

_SECTIONS = (
    ("cluster", "ClusterSection"),
    ("cluster.arbitration", "ArbitrationSection"),
    ("cluster.np", "NpSection"),
    ("nodes[]", "NodeEntry"),
    ("groups[]", "GroupEntry"),
    ("groups[].resources[]", "ResourceEntry"),
    ("groups[].resources[].recovery", "Recovery"),
    ("groups[].resources[].scripts", "Scripts"),
    ("monitors[]", "MonitorEntry"),
    ("monitors[].recovery", "MonitorRecoverySection"),
    ("exclusions[]", "ExclusionEntry"),
    ("notifications[]", "NotificationEntry"),
)

KEY_HEAD = Message("KM1401", "Key", "キー")
VALUE_HEAD = Message("KM1402", "Value", "値")
DEFAULT_HEAD = Message("KM1403", "Default", "既定値")
MEANING_HEAD = Message("KM1404", "Meaning", "意味")
REQUIRED = Message("KM1405", "required", "必須")
REQUIRED_PER_NODE = Message("KM1406", "required on every node", "ノードごとに必須")
TEXT = Message("KM1407", "text", "文字列")
NAME = Message("KM1408", "name", "名前")
WHOLE = Message("KM1409", "whole number{limits}", "整数{limits}")
NUMBER = Message("KM1410", "number{limits}", "数値{limits}")
TRUTH = Message("KM1411", "`true` or `false`", "`true` または `false`")
LIST = Message("KM1412", "list: {of}", "一覧: {of}")
BY_KEY = Message("KM1413", "keys with values: {of}", "キーと値: {of}")
SECTION = Message("KM1414", "section", "節")
ADDRESS = Message("KM1415", "IP address", "IP アドレス")
ANYTHING = Message("KM1416", "any value", "任意の値")
OR = Message("KM1418", " or ", " または ")
TYPES_HEAD = Message("KM1419", "Resource types", "リソースタイプ")
ENVIRONMENTS = Message("KM1420", "Environment", "環境")
EXCLUSIVE = Message("KM1421", "Exclusive", "排他")
EXCLUSIVE_YES = Message("KM1422", "yes", "はい")
EXCLUSIVE_CLEARED = Message("KM1423", "yes, unless `exclusive: false`", "はい（`exclusive: false` で解除できる）")
EXCLUSIVE_NO = Message("KM1424", "no", "いいえ")
MONITOR = Message("KM1425", "Monitor", "モニタ")
ORDER = Message("KM1426", "Place in a group unless `depends_on` says otherwise", "`depends_on` を省略したときの順序")
MONITORS_HEAD = Message("KM1427", "Monitor types", "モニタのタイプ")
NOTIFICATIONS_HEAD = Message("KM1428", "Kinds of notification", "通知の方法")
ALWAYS = Message("KM1429", "Checks", "監視タイミング")
ALWAYS_YES = Message("KM1430", "at any time", "常時")
ALWAYS_NO = Message("KM1431", "while the target of its recovery is active", "回復対象の活性中")
BELONGS = Message("KM1432", "Belongs to resources of type", "対象リソースのタイプ")
LEASES_HEAD = Message("KM1433", "Types of lease", "投票先のタイプ")
FENCES_HEAD = Message("KM1434", "Ways of fencing", "強制停止の方法")
MESSAGES = (
    *(KEY_HEAD, VALUE_HEAD, DEFAULT_HEAD, MEANING_HEAD, REQUIRED, REQUIRED_PER_NODE, TEXT, NAME, WHOLE, NUMBER, TRUTH),
    *(LIST, BY_KEY, SECTION, ADDRESS, ANYTHING, OR, TYPES_HEAD, ENVIRONMENTS, EXCLUSIVE, EXCLUSIVE_YES),
    *(
        EXCLUSIVE_CLEARED,
        EXCLUSIVE_NO,
        MONITOR,
        ORDER,
        MONITORS_HEAD,
        NOTIFICATIONS_HEAD,
        ALWAYS,
        ALWAYS_YES,
        ALWAYS_NO,
    ),
    *(BELONGS, LEASES_HEAD, FENCES_HEAD),
)

_TIMES = ("start_timeout_ms", "stop_timeout_ms", "check_interval_ms", "check_timeout_ms", "prepare_interval_ms")
_MONITOR_TIMES = ("first_wait_ms", "interval_ms", "timeout_ms", "retries")
_OWN_TABLES = ("arbitration", "np", "recovery", "resources", "scripts")
_DEEPEST = 4
"""Sections inside sections are listed so far down; a parameter that contains itself would never end."""
_ADDRESS_FORMATS = ("ipv4", "ipv6", "ipvanyaddress")


def reference(
    types: Iterable[ResourceType],
    language: Language,
    monitors: Iterable[MonitorType] = (),
    notifiers: Iterable[NotifierType] = (),
    leases: Iterable[LeaseType] = (),
    fences: Iterable[FenceType] = (),
) -> str:
    """Every section and key of the file, then everything that is declared for it elsewhere, such as types."""
    whole = schema.of_model(ClusterFile)
    lines: list[str] = []
    for title, definition in _SECTIONS:
        section = whole["$defs"][definition]
        lines += [f"### `{title}`", "", *_table(whole, section, language), ""]
    lines += [f"## {_said(TYPES_HEAD, language)}", ""]
    for declared in types:
        lines += _type(declared, language)
    lines += [f"## {_said(MONITORS_HEAD, language)}", ""]
    for monitor in monitors:
        lines += _monitor(monitor, language)
    lines += [f"## {_said(NOTIFICATIONS_HEAD, language)}", ""]
    for notifier in notifiers:
        lines += _plain(notifier, language)
    lines += [f"## {_said(LEASES_HEAD, language)}", ""]
    for lease in leases:
        lines += _plain(lease, language)
    lines += [f"## {_said(FENCES_HEAD, language)}", ""]
    for fence in fences:
        lines += _plain(fence, language, fence.per_node_required)
    return "\n".join(lines).rstrip() + "\n"


def _plain(declared: Kind, language: Language, per_node: tuple[str, ...] = ()) -> Iterator[str]:
    yield from _head(declared, language)
    own = schema.parameters(declared)
    yield from (*_table(own, own, language, per_node), "")


def _head(declared: Kind, language: Language) -> Iterator[str]:
    yield from (f"### `{declared.name}`: {_said(declared.title, language)}", "")
    yield from (_said(declared.description, language), "")


def _monitor(declared: MonitorType, language: Language) -> Iterator[str]:
    traits = declared.traits
    yield from _head(declared, language)
    environments = ", ".join(f"`{each}`" for each in traits.environments)
    yield f"- {_said(ENVIRONMENTS, language)}: {environments}"
    yield f"- {_said(ALWAYS, language)}: {_said(ALWAYS_NO if traits.watches_target else ALWAYS_YES, language)}"
    if traits.resource_type:
        yield f"- {_said(BELONGS, language)}: `{traits.resource_type}`"
    yield "- " + ", ".join(f"`{key}` {getattr(traits, key)}" for key in _MONITOR_TIMES)
    yield ""
    own = schema.parameters(declared)
    yield from (*_table(own, own, language, declared.per_node_required), "")


def _type(declared: ResourceType, language: Language) -> Iterator[str]:
    traits = declared.traits
    exclusive = EXCLUSIVE_NO
    if traits.exclusive:
        exclusive = EXCLUSIVE_CLEARED if traits.exclusive_may_be_cleared else EXCLUSIVE_YES
    yield from _head(declared, language)
    environments = ", ".join(f"`{each}`" for each in traits.environments)
    yield f"- {_said(ENVIRONMENTS, language)}: {environments}"
    yield f"- {_said(EXCLUSIVE, language)}: {_said(exclusive, language)}"
    yield f"- {_said(MONITOR, language)}: `{declared.monitor}`"
    yield f"- {_said(ORDER, language)}: {traits.order}"
    yield "- " + ", ".join(f"`{key}` {getattr(traits, key)}" for key in _TIMES)
    yield ""
    own = schema.parameters(declared)
    yield from (*_table(own, own, language, declared.per_node_required), "")


def _table(whole: Schema, section: Schema, language: Language, per_node: tuple[str, ...] = ()) -> Iterator[str]:
    heads = (KEY_HEAD, VALUE_HEAD, DEFAULT_HEAD, MEANING_HEAD)
    yield "| " + " | ".join(_said(head, language) for head in heads) + " |"
    yield "|---|---|---|---|"
    yield from _rows(whole, section, language, per_node, "")


def _rows(whole: Schema, section: Schema, language: Language, per_node: tuple[str, ...], prefix: str) -> Iterator[str]:
    for key, field in section.get("properties", {}).items():
        inner = _followed(whole, field)
        if key in per_node:
            default = _said(REQUIRED_PER_NODE, language)
        elif key in section.get("required", ()):
            default = _said(REQUIRED, language)
        else:
            default = _default(field.get("default"))
        meaning = field.get("description_ja" if language == "ja" else "description")
        meaning = meaning or field.get("description") or inner.get("description") or ""
        cells = (f"`{prefix}{key}`", _value(whole, field, language), default, meaning)
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"
        yield from _inner_rows(whole, field, language, f"{prefix}{key}")


def _inner_rows(whole: Schema, field: Schema, language: Language, path: str) -> Iterator[str]:
    """The keys of a section inside a parameter. The sections of the file itself have tables of their own."""
    if path in _OWN_TABLES or path.count(".") >= _DEEPEST:
        return
    for form in _forms(whole, field):
        if form.get("type") == "object" and form.get("properties"):
            yield from _rows(whole, form, language, (), f"{path}.")
        items = form.get("items")
        if isinstance(items, dict):
            yield from _inner_rows(whole, items, language, f"{path}[]")


def _value(whole: Schema, field: Schema, language: Language) -> str:
    texts = [_form(whole, form, language) for form in _forms(whole, field)]
    return _said(OR, language).join(dict.fromkeys(texts))


def _forms(whole: Schema, field: Schema) -> list[Schema]:
    """The alternatives of a field, without "nothing": a key that may be left out is simply left out."""
    field = _followed(whole, field)
    alternatives = field.get("anyOf") or field.get("oneOf")
    if not alternatives:
        return [] if field.get("type") == "null" else [field]
    return [form for alternative in alternatives for form in _forms(whole, alternative)]


def _form(whole: Schema, form: Schema, language: Language) -> str:
    if "const" in form:
        return f"`{form['const']}`"
    if "enum" in form:
        return ", ".join(f"`{choice}`" for choice in form["enum"])
    kind = form.get("type")
    if kind in ("integer", "number"):
        return _said(WHOLE if kind == "integer" else NUMBER, language, limits=_limits(form))
    if kind == "boolean":
        return _said(TRUTH, language)
    if kind == "array":
        return _said(LIST, language, of=_value(whole, form.get("items", {}), language))
    if kind == "object":
        if form.get("properties"):
            return _said(SECTION, language)
        of: Any = form.get("additionalProperties") or next(iter(form.get("patternProperties", {}).values()), {})
        return _said(BY_KEY, language, of=_value(whole, of if isinstance(of, dict) else {}, language))
    if kind == "string":
        return _string(form, language)
    return _said(ANYTHING, language)


def _string(form: Schema, language: Language) -> str:
    if form.get("format") in _ADDRESS_FORMATS:
        return _said(ADDRESS, language)
    pattern = form.get("pattern")
    if pattern is None:
        return _said(TEXT, language)
    if pattern == schema.of_model(ClusterFile)["$defs"]["NodeEntry"]["properties"]["name"]["pattern"]:
        return _said(NAME, language)
    return f"`{pattern}`"


def _limits(form: Schema) -> str:
    least, most = form.get("minimum"), form.get("maximum")
    above, below = form.get("exclusiveMinimum"), form.get("exclusiveMaximum")
    texts = []
    if least is not None:
        texts.append(f"≥ {least}")
    if above is not None:
        texts.append(f"> {above}")
    if most is not None:
        texts.append(f"≤ {most}")
    if below is not None:
        texts.append(f"< {below}")
    return f" {', '.join(texts)}" if texts else ""


def _default(value: Any) -> str:
    if value in (None, "", [], {}) or isinstance(value, dict):
        return "-"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list):
        return "`[" + ", ".join(str(item) for item in value) + "]`"
    return f"`{value}`"


def _followed(whole: Schema, field: Schema) -> Schema:
    reference = field.get("$ref")
    if not isinstance(reference, str):
        return field
    found: Schema = whole["$defs"][reference.removeprefix("#/$defs/")]
    return found


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _said(message: Message, language: Language, **values: str) -> str:
    return message.said(**values).text(language)
