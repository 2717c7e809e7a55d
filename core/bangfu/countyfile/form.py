"""The text of a county file: an entry a table, a value a line, always in the same order, so that two compare."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeAlias

from bangfu.access import EVERY, Action
from bangfu.errors import Code, Problem, Refused
from bangfu.text import Text

FORM = 1
"""The form of the file, stated in it; a file of another form is refused."""
LARGEST = 200_000
"""The most characters of a file: a county's documents of a decade."""
_MANY_KEYS = re.compile(r"""(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')\s*\.\s*){9}""")
_DEEPEST = 12


class Section(StrEnum):
    """A part of the file, each of which somebody else may be charged with."""

    PROGRAMMES = "programmes"
    PROVISIONS = "provisions"
    RULES = "rules"
    TEMPLATES = "templates"
    CALENDAR = "calendar"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _FORMS[self].title

    @property
    def read(self) -> Action:
        """What somebody must be allowed who sees it."""
        return _FORMS[self].read

    @property
    def change(self) -> Action:
        """What somebody must be allowed who applies it."""
        return _FORMS[self].change


@dataclass(frozen=True, slots=True)
class _Form:
    """How a section is called, who reads and changes it, what an entry says in this order, by what it is told from the
    others, and what of it may be left out (None: it says nothing then)."""

    title: Text
    read: Action
    change: Action
    keys: tuple[str, ...]
    name: tuple[str, ...]
    without: Mapping[str, Any] = field(default_factory=dict)


_FORMS: Mapping[Section, _Form] = {
    Section.PROGRAMMES: _Form(
        Text("启用的项目", "programmes that run"),
        Action.READ_POLICY,
        Action.SWITCH_PROGRAMME,
        ("code", "since"),
        ("code",),
    ),
    Section.PROVISIONS: _Form(
        Text("本县规定", "the county's documents"),
        Action.READ_CASES,
        Action.DRAFT_PROVISION,
        ("programme", "title", "number", "issued", "parameters", "book", "revokes"),
        ("programme", "number"),
        {"parameters": None, "book": None, "revokes": None},
    ),
    Section.RULES: _Form(
        Text("本县权限规定", "the county's own rules"),
        Action.READ_POLICY,
        Action.KEEP_POLICY,
        ("duty", "action", "programme", "stage", "effect", "reason"),
        ("duty", "action", "programme", "stage"),
        {"programme": EVERY, "stage": EVERY},
    ),
    Section.TEMPLATES: _Form(
        Text("代发文件格式", "templates of banks"),
        Action.READ_PAYMENTS,
        Action.KEEP_FUNDS,
        ("channel", "columns", "separator", "header", "rows_per_file", "line_end", "results"),
        ("channel",),
        {"results": {}},
    ),
    Section.CALENDAR: _Form(
        Text("工作日历", "calendar"), Action.READ_POLICY, Action.SET_CALENDAR, ("day", "worked", "note"), ("day",)
    ),
}
_TYPES: Mapping[str, type] = {
    "since": date, "issued": date, "day": date, "worked": bool, "header": bool, "rows_per_file": int, "columns": list,
    "results": dict, "parameters": dict, "book": list, "revokes": dict,
}  # fmt: skip
"""The types of what an entry says; all else is text."""

Entry: TypeAlias = Mapping[str, Any]
Name: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CountyFile:
    """What a county has set up: the entries of each section by what tells them apart, in the order of the file.

    ``hidden`` are the sections that whoever exported it may not see.
    """

    entries: Mapping[Section, Mapping[Name, Entry]] = field(default_factory=dict)
    hidden: tuple[Section, ...] = ()

    def of(self, section: Section) -> Mapping[Name, Entry]:
        """The entries of a section."""
        return self.entries.get(section, {})

    def dump(self) -> str:
        """It as TOML."""
        head = "".join(f"# 导出人无权查看 / not shown to who exported this: {one.value}\n" for one in self.hidden)
        tables = [f"[[{section.value}]]\n{lines(entry)}" for section in Section for entry in self.of(section).values()]
        return "\n".join([f"{head}bangfu = {FORM}\n", *tables])

    @classmethod
    def load(cls, text: str) -> CountyFile:
        """Read a file; refuses ``FILE_TOO_LARGE``, ``FILE_UNREADABLE``, and one ``COUNTY_FILE_BAD`` for each fault of
        its form."""
        raw = _parsed(text)
        known = {"bangfu", *(section.value for section in Section)}
        problems = [_bad((key,), Text("没有这样的部分", "there is no such part")) for key in sorted(set(raw) - known)]
        if raw.get("bangfu") != FORM:
            problems.append(_bad(("bangfu",), Text(f"应写明 bangfu = {FORM}", f"it must say bangfu = {FORM}")))
        entries: dict[Section, dict[Name, Entry]] = {}
        for section in Section:
            listed = raw.get(section.value, [])
            if not isinstance(listed, list):
                problems.append(_bad((section.value,), Text("应为列表", "it is a list")))
                continue
            own = entries.setdefault(section, {})
            for index, entry in enumerate(listed):
                path = (section.value, index)
                found = _faults(section, entry, path)
                if not found and name_of(section, whole(section, entry)) in own:
                    found = [_bad(path, Text("与前面一项重复", "one before it is of the same"))]
                if found:
                    problems += found
                else:
                    own[name_of(section, whole(section, entry))] = whole(section, entry)
        if problems:
            raise Refused(problems)
        return cls(entries)


def whole(section: Section, entry: Entry) -> Entry:
    """An entry with what it may leave out, in the order in which it is written."""
    said = {**_FORMS[section].without, **entry}
    return {key: said[key] for key in _FORMS[section].keys if said[key] is not None}


def name_of(section: Section, entry: Entry) -> Name:
    """What tells an entry from the others of its section."""
    return tuple(str(entry[key]) for key in _FORMS[section].name)


def lines(entry: Entry) -> str:
    """An entry as lines of TOML; the numbers of a document are a line each."""
    written = []
    for key, value in entry.items():
        if key == "parameters":
            written += [f"parameters.{_key(name)} = {_toml(own)}\n" for name, own in value.items()]
        else:
            written.append(f"{_key(key)} = {_toml(value)}\n")
    return "".join(written)


def _toml(value: Any) -> str:
    """A value as TOML, in one line. (A library would choose the form by the length of what it writes.)"""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_toml(own)}' for key, own in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, date):
        return value.isoformat()
    # What JSON and TOML write differently of a text, a truth or a whole number is one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else _toml(key)


# --- reading --------------------------------------------------------------------------------------------------


def _parsed(text: str) -> dict[str, Any]:
    """The tables of a text. A key of thousands of parts, or lists in lists without end, is not even looked at: reading
    it would keep everybody waiting."""
    if len(text) > LARGEST:
        size, limit = (Text(f"{many:,} 个字符", f"{many:,} characters") for many in (len(text), LARGEST))
        raise Code.FILE_TOO_LARGE.refuse("file", size=size, limit=limit)
    if _MANY_KEYS.search(text):
        raise Code.FILE_UNREADABLE.refuse("file", detail="a.b.c.d.e.f.g.h.i…")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Code.FILE_UNREADABLE.refuse("file", detail=str(error)) from error
    except RecursionError as error:
        raise Code.FILE_UNREADABLE.refuse("file", detail="[[[…") from error


def _bad(path: tuple[str | int, ...], detail: Text) -> Problem:
    return Code.COUNTY_FILE_BAD.problem(*path, detail=detail)


def _faults(section: Section, entry: Any, path: tuple[str | int, ...]) -> list[Problem]:
    """What is wrong with the form of an entry."""
    if not isinstance(entry, dict):
        return [_bad(path, Text("应为表", "it is a table"))]
    keys, without = _FORMS[section].keys, _FORMS[section].without
    faults = [_bad((*path, key), Text("缺少", "it is wanting")) for key in keys if key not in {*entry, *without}]
    faults += [_bad((*path, key), Text("没有这样的项", "there is no such thing")) for key in entry if key not in keys]
    for key in (key for key in keys if key in entry):
        kind = _TYPES.get(key, str)
        if type(entry[key]) is not kind or not _is_plain(entry[key]):
            faults.append(_bad((*path, key), Text("值的类型不正确", f"it is no {kind.__name__} that can be kept")))
    pairs = all(isinstance(one, list) and len(one) == 2 and all(map(_is_text, one)) for one in entry.get("columns", ()))
    if isinstance(entry.get("columns", []), list) and not pairs:
        faults.append(_bad((*path, "columns"), Text("每列写明名称和表头", "each is a name and a header")))
    results = entry.get("results", {})
    if isinstance(results, dict) and not all(map(_is_text, results.values())):
        faults.append(_bad((*path, "results"), Text("值的类型不正确", "each is a text")))
    return faults


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_plain(value: Any, deep: int = 0) -> bool:
    """Whether a value is made of texts that can be stored, whole numbers, truths and days."""
    if deep > _DEEPEST:
        return False
    if isinstance(value, dict):
        return all(_is_plain(key) and _is_plain(own, deep + 1) for key, own in value.items())
    if isinstance(value, list):
        return all(_is_plain(own, deep + 1) for own in value)
    if isinstance(value, str):
        return not re.search("[\x00\ud800-\udfff]", value)
    if isinstance(value, int):
        return abs(value) < 2**53
    return isinstance(value, date) and not isinstance(value, datetime)
