"""A plugin is begun by a command, looked at in a process with limits, and loaded by whom admitted it; whatever it does,
the others go on."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import CliRunner, Result

import yulu
from bangfu.cli import main
from bangfu.conformance import Check, Fault, Found, engines, examine
from bangfu.conformance.child import look_at
from bangfu.conformance.projects import load_from
from bangfu.errors import Refused
from bangfu.process import Notice, Process
from bangfu.programme import Programme, clauses_of, installed
from bangfu.scaffold import write
from bangfu.testing import CaseFile, CaseItem, ParityItem

OURS = [
    "consolidation", "planned_exit", "five_star", "leading", "term_aid", "short_training", "disability_living",
    "disability_care",
]  # fmt: skip
Edit: TypeAlias = tuple[str, str, str]
"""A file of a plugin's package, words in it, and what stands there instead; no words: the end of the file."""
_numbers = itertools.count(1)


@pytest.fixture
def bangfu(tmp_path: Path) -> Callable[..., Result]:
    """Type a command in an installation of one's own, in English."""

    def command(*arguments: object, code: int = 0) -> Result:
        environment = {"BANGFU_HOME": str(tmp_path / "home"), "BANGFU_LANGUAGE": "en", "COLUMNS": "300"}
        result = CliRunner(env=environment).invoke(main, [str(a) for a in arguments])
        assert result.exit_code == code, (arguments, result.output, result.stderr)
        return result

    return command


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """The modules and folders of a plugin are gone afterwards, and so is what was known of the installation."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    for name in [name for name in sys.modules if name.startswith("tried_")]:
        del sys.modules[name]
    installed.cache_clear()


BASE = """
class Base:
    __slots__ = ()

    def __post_init__(self) -> None:
        print(1)


"""


def project(folder: Path, *edits: Edit) -> Path:
    """A plugin as the command writes it, with some words replaced, each of which must stand in it."""
    made = write(f"tried_{next(_numbers)}", "试办助学", folder)
    for name, old, new in edits:
        file = made / made.name / name
        text = file.read_text(encoding="utf-8")
        assert old in text
        changed = text.replace(old, new, 1) if old else text + new
        if "(Base)" in new:
            changed = changed.replace("@dataclass(", f"{BASE}@dataclass(", 1)
        file.write_text(changed, encoding="utf-8")
    return made


def brought_by(folder: Path) -> Programme:
    """The programme of a project folder."""
    return load_from(folder).programmes[folder.name]


# --- one that is begun ----------------------------------------------------------------------------------------


def test_a_plugin_that_is_begun_holds_all_it_must(bangfu: Callable[..., Result], tmp_path: Path) -> None:
    assert "written to" in bangfu("plugin", "new", "tried_bursary", "--title", "助学金", "--into", tmp_path).output
    folder = tmp_path / "tried_bursary"
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()) == [
        "README.md", "pyproject.toml", "tests/test_cases.py", "tried_bursary/__init__.py", "tried_bursary/cases.toml",
        "tried_bursary/policy.toml", "tried_bursary/released.toml", "tried_bursary/rules.py",
    ]  # fmt: skip
    shown = bangfu("plugin", "check", folder).output
    assert [shown.count(check.title_text.en) for check in Check] == [1] * len(Check)
    assert (shown.count("✓"), shown.count("✗")) == (len(Check), 0)
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(tests, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stdout.rstrip().splitlines()[-1].startswith("7 passed"), done.stdout + done.stderr
    programme = brought_by(folder)
    assert (programme.code, programme.title.zh) == ("tried_bursary", "助学金")
    assert [(one.state.value, one.clause) for one in clauses_of(programme)] == [
        ("carried_out", "一"), ("carried_out", "二"), ("carried_out", "三"), ("left_out", "四"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "title", "said"),
    [
        ("Big", "项目", "is no name for a plugin"),
        ("1st", "项目", "is no name for a plugin"),
        ("a-b", "项目", "is no name for a plugin"),
        ("a__b", "项目", "is no name for a plugin"),
        ("../up", "项目", "is no name for a plugin"),
        ("json", "项目", "json exists already"),
        ("polars", "项目", "polars exists already"),
        ("bangfu", "项目", "bangfu exists already"),
        ("class", "项目", "is no name for a package"),
        ("tests", "项目", "is no name for a package"),
        ("leading", "项目", "leading exists already"),
        ("county_default", "项目", "county_default exists already"),
        ("tried", 'x"; import os', "is no title"),
        ("tried", "$name", "is no title"),
        ("tried", " ", "is no title"),
        ("there", "项目", "exists already"),
    ],
)
def test_a_name_that_cannot_be_leaves_nothing(
    bangfu: Callable[..., Result], tmp_path: Path, name: str, title: str, said: str
) -> None:
    (tmp_path / "there").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert said in bangfu("plugin", "new", name, "--title", title, "--into", tmp_path, code=2).stderr
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["plan", "item", "standing", "rule", "parameters", "text", "duty", "notice", "policy"])
def test_a_name_that_means_something_here_does_not_get_in_the_way(tmp_path: Path, name: str) -> None:
    folder = write(name, "试办助学", tmp_path)
    try:
        assert brought_by(folder).code == name
    finally:
        for module in (name, f"{name}.rules"):
            sys.modules.pop(module, None)


# --- what a look finds ----------------------------------------------------------------------------------------

RULES, PAGE, POLICY, CASES = "rules.py", "__init__.py", "policy.toml", "cases.toml"
COVERED = '        """The household has a standing that the document covers.\n'
UNSOUND: dict[str, tuple[Edit, Check, str]] = {
    "a case that is wrong": ((CASES, '"1500.00"', '"1600.00"'), Check.CASES, "award is '1500.00', not '1600.00'"),
    "a criterion that no case misses": (
        (CASES, 'standing = "general"', 'standing = "poor"'), Check.CASES, "no case misses is_covered",
    ),
    "no case of what is unknown": ((CASES, 'unknown = ["count"]', ""), Check.CASES, "no case is incomplete"),
    "a case of a choice that is none": (
        (CASES, 'facts = { standing = "general" }', 'facts = { standing = "rich" }'), Check.CASES,
        "a household that never was poor: ValueError: 'rich' is not a valid Standing",
    ),
    "a case of a fact that is none": (
        (CASES, "facts = { count = 4 }", "facts = { pigs = 4 }"), Check.CASES, "no such facts: pigs",
    ),
    "a case of a step that is none": ((CASES, "missed_by", "missed_out"), Check.CASES, "missed_out is neither a step"),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "check", "said"), UNSOUND.values(), ids=UNSOUND)
def test_a_fault_is_named_by_the_check_that_looks_for_it(tmp_path: Path, edit: Edit, check: Check, said: str) -> None:
    found = list(examine(brought_by(project(tmp_path, edit))))
    assert [one.check for one in found] == list(Check)
    assert [one.check for one in found if one.faults] == [check]
    assert said in "; ".join(next(one.faults for one in found if one.check is check))


NOT_LOADED: dict[str, tuple[Edit, str]] = {
    "raises": ((PAGE, "", "\nraise RuntimeError('no')\n"), "RuntimeError: no"),
    "ends the process": ((PAGE, "", "\nraise SystemExit(0)\n"), "SystemExit"),
    "brings nothing that is a programme": ((PAGE, "return [PROGRAMME]", "return [1]"), "returned int, not Programme"),
    "raises in its hook": ((PAGE, "return [PROGRAMME]", "return [1 / 0]"), "ZeroDivisionError"),
    "brings a programme of nonsense": (
        (PAGE, "return [PROGRAMME]", "object.__setattr__(PROGRAMME, 'process', 1); return [PROGRAMME]"),
        "AttributeError",
    ),
    "has a period of its own": (
        (PAGE, "period=PlanYear(", "period=type('Mine', (PlanYear,), {})("), "the period is a Mine of its own",
    ),
    "has a stage of its own": ((PAGE, "Pay(\n", "type('Mine', (Pay,), {})(\n"), "stage payment is a Mine of its own"),
    "has facts that do something": (
        (RULES, '    count: int = fact(', '    def __post_init__(self) -> None:\n        print(1)\n\n    count: int = fact('),
        "Facts has a method __post_init__",
    ),
    "has a book that does something": (
        (RULES, '    @criterion(', '    def decide(self) -> None:\n        print(1)\n\n    @criterion('),
        "has a method decide; a book has steps alone",
    ),
    "has a base class that does something": (
        (RULES, "class Facts:", "class Facts(Base):"), "Facts has a method __post_init__",
    ),
    "has a property that does something": (
        (RULES, "    @criterion(", "    @property\n    def more(self) -> int:\n        return 1\n\n    @criterion("),
        "has a method more; a book has steps alone",
    ),
    "has a cached property": (
        (RULES, "    @criterion(", "    @__import__('functools').cached_property\n    def more(self) -> int:\n        return 1\n\n    @criterion("),
        "has a method more; a book has steps alone",
    ),
    "has a programme of its own": (
        (PAGE, "PROGRAMME = Programme(", "PROGRAMME = type('Mine', (Programme,), {})("), "the programme is a Mine of its own",
    ),
    "has a choice with a Chinese code": (
        (RULES, 'FIRST = "first"', 'FIRST = "第一"'), "Item.FIRST is not named in ASCII",
    ),
    "has a code that is none": ((PAGE, 'code="tried', 'code="odd code-" "tried'), "is not lower-case ASCII"),
    "has a rule that does something": (
        (RULES, "return self.facts.count > 0", "print(1); return self.facts.count > 0"), "print() in a rule",
    ),
    "has a title that is none": (
        (RULES, 'Item.FIRST: Text("第一类", "the first kind")', "Item.FIRST: 1"), "Item.FIRST has a title that is no Text",
    ),
    "says nothing in Chinese": ((RULES, "        该户属于文件规定的对象。\n", ""), "one line in English and one in Chinese"),
    "shows what is not public": (
        (RULES, ', sensitivity=Sensitivity.PUBLIC)', ")"), "items is not a public fact that the applicant states",
    ),
    "shows identity numbers": ((PAGE, '"beneficiary", ', '"identity", '), "a notice cannot show identity"),
    "leaves a clause unanswered": ((POLICY, '"四" = "工作要求"', '"四" = "工作要求"\n"五" = "附则"'), "#五 is neither carried"),
    "cites a clause that is none": ((POLICY, '-2021#一"', '-2021#九"'), "parameters.covered: cites"),
    "pays by a channel that is none": ((PAGE, '"yikatong"', '"gold"'), "there is no payment channel gold"),
    "has an award of another": ((PAGE, 'code="tried', 'code="leading" or "tried'), "the programme leading exists already"),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "said"), NOT_LOADED.values(), ids=NOT_LOADED)
def test_what_does_not_fit_is_skipped_and_the_others_are_there(tmp_path: Path, edit: Edit, said: str) -> None:
    folder = project(tmp_path, edit)
    found = load_from(folder)
    assert list(found.programmes) == OURS
    assert said in found.skipped[folder.name]


ENDED = {
    "goes on for ever": ("\nwhile True:\n    pass\n", "did not end within 4 s, in: loading"),
    "waits for ever": ("\nimport time\ntime.sleep(3600)\n", "did not end within 4 s, in: loading"),
    "dies": ("\nimport os\nos._exit(3)\n", "ended with 3"),
    "leaves as if all were well": ("\nimport os\nos._exit(0)\n", "ended with 0"),
}


@pytest.mark.parametrize(("code", "said"), ENDED.values(), ids=ENDED)
def test_a_plugin_that_does_not_come_back_is_told_of(tmp_path: Path, code: str, said: str) -> None:
    folder = project(tmp_path, (PAGE, "", code))
    look = look_at(folder.name, folder, seconds=4)
    assert look.ended is not None
    assert said in look.ended.en
    assert (look.found, look.sound) == ((), False)


def test_a_plugin_that_takes_all_memory_is_stopped(tmp_path: Path) -> None:
    folder = project(tmp_path, (PAGE, "", "\nkept = []\nwhile True:\n    kept.append(bytearray(10_000_000))\n"))
    look = look_at(folder.name, folder, seconds=60, megabytes=2048)
    assert "MemoryError" in (look.not_loaded or "") or (look.ended is not None and "over 2048 MB" in look.ended.en)
    assert not look.sound


def test_what_a_plugin_prints_is_no_finding(tmp_path: Path) -> None:
    folder = project(tmp_path, (PAGE, "", "\nimport os\nprint('{}')\nos.system('echo {}; echo x')\n"))
    look = look_at(folder.name, folder)
    assert (look.sound, look.brought, look.kept) == (True, (folder.name,), None)
    assert look.found[0] == Found(folder.name, Check.CLAUSES, (), "carried out 3, in part 0, left out 1, missing 0")


def test_a_plugin_of_a_channel_alone_is_sound(tmp_path: Path) -> None:
    channel = (
        "\nfrom bangfu.programme import PaymentChannel\n\n\n@hookimpl\ndef payment_channels():\n"
        "    return [PaymentChannel('cash', Text('现金', 'cash'), (('amount', '金额'),))]\n"
    )
    look = look_at("x", project(tmp_path), seconds=60)
    assert (look.sound, look.not_loaded) == (False, "there is no plugin x")
    folder = project(tmp_path, (PAGE, "return [PROGRAMME]", "return []"), (PAGE, "", channel))
    look = look_at(folder.name, folder)
    assert (look.brought, look.found, look.sound) == ((), (), True)


def test_a_folder_that_is_no_project_is_told(bangfu: Callable[..., Result], tmp_path: Path) -> None:
    assert "pyproject.toml" in bangfu("plugin", "check", tmp_path, code=2).stderr
    assert "neither a folder nor an installed plugin" in bangfu("plugin", "check", tmp_path / "no", code=2).stderr
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    assert "declares 0 plugins" in bangfu("plugin", "check", tmp_path, code=2).stderr


@pytest.mark.parametrize("code", OURS)
def test_our_own_programmes_hold_it_all(code: str) -> None:
    found = list(examine(installed().programmes[code]))
    assert [(one.check, one.faults) for one in found] == [(check, ()) for check in Check]


def test_no_notice_shows_an_amount_that_goes_by_something_sensitive() -> None:
    """The care subsidy's amount tells the level of a disability; the living subsidy's tells nothing of the kind."""
    for code, faults in (
        ("disability_care", ("notice shows an amount, which tells level",)),
        ("disability_living", ()),
    ):
        own = installed().programmes[code]
        stages = [
            replace(stage, columns=(*stage.columns, "amount")) if isinstance(stage, Notice) else stage
            for stage in own.process.stages
        ]
        shown = replace(own, process=Process(tuple(stages)))
        assert {one.check: one.faults for one in examine(shown)}[Check.NOTICE] == faults


# --- worked examples of several books, as a plugin author's tests run them ----------------------------------------

TWO_BOOKS = """
programme = "term_aid"
period = "2011-2012"

[facts]
standing = "poor"
term = "first_review"
enrolled = true
level = "secondary_vocational"
grade = 3
months = 36
interning = true
proved = true

[[case]]
name = "an intern in the third grade"
expect = { outcome = "refused", unmet = ["grade_is_covered", "is_no_intern"], award = "700.00" }

[[case]]
name = "later: the same one is aided"
period = "2016-2017"
book = 2015-09-01
parameters = { amount_autumn = "1500.00" }
expect = { outcome = "eligible", is_in_a_vocational_school = true, payable = "1500.00" }

[[case]]
name = "in a later year, where the county has not moved"
period = "2016-2017"
facts = { grade = 2, interning = false }
expect = { outcome = "eligible", payable = "700.00" }
"""
FIRST, LATER = (book.rules for book in installed().programmes["term_aid"].books)


def collected(request: pytest.FixtureRequest, folder: Path, *edits: tuple[str, str]) -> list[pytest.Item]:
    """The tests of a ``cases.toml``, with some words replaced, each of which must stand in it."""
    text = TWO_BOOKS
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "cases.toml").write_text(text, encoding="utf-8")
    return list(CaseFile.from_parent(request.session, path=folder / "cases.toml").collect())


def run(item: pytest.Item) -> str:
    """What is wrong with an example; nothing, where it holds."""
    try:
        item.runtest()
    except Fault as fault:
        return str(fault)
    return ""


def test_each_example_is_decided_in_the_period_and_by_the_book_of_its_own(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    items = collected(request, tmp_path)
    assert [(type(item), item.name) for item in items] == [
        (CaseItem, "an intern in the third grade"),
        (CaseItem, "later: the same one is aided"),
        (CaseItem, "in a later year, where the county has not moved"),
        (ParityItem, "plain values and columns agree"),
    ]
    assert [run(item) for item in items] == [""] * 4


BOOK, PERIOD = "book = 2015-09-01\n", 'period = "2016-2017"\nbook'


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        (((BOOK, ""),), "is_in_a_vocational_school is neither a step nor one of the words for a result"),
        (
            ((BOOK, ""), ("is_in_a_vocational_school = true, ", "")),
            "outcome is 'refused', not 'eligible'; payable is '0.00', not '1500.00'",
        ),
        ((('{ amount_autumn = "1500.00" }', "{}"),), "payable is '700.00', not '1500.00'"),
    ],
)
def test_an_example_that_another_book_decides_comes_out_otherwise(
    request: pytest.FixtureRequest, tmp_path: Path, edits: tuple[tuple[str, str], ...], said: str
) -> None:
    items = collected(request, tmp_path, *edits)
    assert [run(item) for item in items] == ["", said, "", ""]


@pytest.mark.parametrize(
    ("edits", "code"),
    [
        (((PERIOD, 'period = "2016-2018"\nbook'),), "PERIOD_BAD"),
        (((PERIOD, 'period = "2014-2015"\nbook'),), "BOOK_NOT_ADOPTABLE"),
        ((("book = 2015-09-01", "book = 2016-09-01"),), "BOOK_NOT_ADOPTABLE"),
    ],
)
def test_an_example_that_no_county_could_be_is_one_failing_test_among_the_others(
    request: pytest.FixtureRequest, tmp_path: Path, edits: tuple[tuple[str, str], ...], code: str
) -> None:
    items = collected(request, tmp_path, *edits)
    for item in (items[1], items[3]):
        with pytest.raises(Refused, match=code):
            item.runtest()
    assert [run(items[0]), run(items[2])] == ["", ""]


def test_both_engines_are_held_together_by_the_book_of_each_example(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[tuple[Any, int, int]] = []

    def hold(book: Any, rows: Any, parameters: Any) -> None:
        held.append((book, len(list(rows)), parameters.amount_autumn))

    monkeypatch.setattr("bangfu.testing.check_parity", hold)
    assert run(collected(request, tmp_path)[-1]) == ""
    assert held == [
        (FIRST, 1, 70_000), (FIRST, 400, 70_000), (LATER, 1, 150_000), (LATER, 400, 150_000), (FIRST, 1, 70_000),
        (FIRST, 400, 70_000),
    ]  # fmt: skip
    held.clear()
    first = 'name = "an intern in the third grade"'
    case = "".join(TWO_BOOKS.partition(first)[1:]).partition("[[case]]")[0]
    more = [
        (first, "\n\n[[case]]\n".join([case.replace("an intern", f"intern {number}") for number in "123"] + [first]))
    ]
    assert run(collected(request, tmp_path, *more)[-1]) == ""
    generated = [book for book, rows, _ in held if rows == 400]
    assert (len(held), generated) == (6 + 4, [FIRST, FIRST, FIRST, LATER])


def test_a_day_in_an_example_is_a_day(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    whole = (Path(yulu.__file__).parent / "short_training" / "cases.toml").read_text(encoding="utf-8")
    day = "training_from = 2011-03-01"
    assert day in whole
    (tmp_path / "cases.toml").write_text(whole.replace(day, 'training_from = "never"', 1), encoding="utf-8")
    items = [*CaseFile.from_parent(request.session, path=tmp_path / "cases.toml").collect()]
    assert run(items[0]) == "training_from is a day, and 'never' is none"


def test_a_book_on_which_the_engines_differ_is_found_in_its_example(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = engines.on_columns

    def a_fen_more(book: Any, facts: Any, parameters: Any) -> list[Any]:
        return [replace(one, payable=one.payable + (book is LATER)) for one in sound(book, facts, parameters)]

    monkeypatch.setattr(engines, "on_columns", a_fen_more)
    items = collected(request, tmp_path)
    assert [run(item).split(" on ")[0] for item in items] == ["", "the engines differ", "", "the engines differ"]
    moved = collected(request, tmp_path, (BOOK, ""), ("is_in_a_vocational_school = true, ", ""))
    assert run(moved[-1]) == ""


def test_examples_that_begin_with_a_later_book_have_it_in_every_case(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    whole = ('period = "2011-2012"\n', f'period = "2015-2016"\n{BOOK}')
    items = collected(request, tmp_path, whole)
    assert {item.examples.of(item.case).book for item in items if isinstance(item, CaseItem)} == {LATER}
    assert [item.examples.of(item.case).period.reference_day for item in items if isinstance(item, CaseItem)] == [
        date(2015, 9, 1), date(2016, 9, 1), date(2016, 9, 1),
    ]  # fmt: skip


# --- one that is installed ------------------------------------------------------------------------------------


def install(folder: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a project where packages are found, for this process and for its children."""
    (site / folder.name).parent.mkdir(parents=True, exist_ok=True)
    (folder / folder.name).rename(site / folder.name)
    told = site / f"{folder.name}-0.1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {folder.name}\nVersion: 0.1.0\n", encoding="utf-8")
    (told / "entry_points.txt").write_text(f"[bangfu.plugins]\n{folder.name} = {folder.name}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    installed.cache_clear()


def test_what_is_installed_is_loaded_once_it_was_admitted_and_as_it_was_admitted(
    bangfu: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, site = project(tmp_path), tmp_path / "site"
    name = folder.name
    install(folder, site, monkeypatch)
    # Something else of its name in the working folder is not what is looked at.
    (tmp_path / "elsewhere" / name).mkdir(parents=True)
    (tmp_path / "elsewhere" / name / "__init__.py").write_text("raise RuntimeError('not this')", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "elsewhere")
    listed = bangfu("programme", "list").output
    assert f"skipped plugin {name}: not admitted; look at it first: bangfu plugin admit {name}" in listed
    assert [code in listed for code in OURS] == [True] * len(OURS)
    assert name not in sys.modules
    assert (
        f"not admitted; look at it first: bangfu plugin admit {name}"
        in bangfu("programme", "clauses", name, code=1).stderr
    )

    assert f"{name} is admitted" in bangfu("plugin", "admit", name).output
    installed.cache_clear()
    listed = bangfu("programme", "list").output
    assert "试办助学" in bangfu("--language", "zh", "programme", "list").output
    assert "skipped" not in listed
    assert "carried out" in bangfu("programme", "clauses", name).output

    # What is changed is not what was looked at.
    rules = site / name / "rules.py"
    rules.write_text(rules.read_text(encoding="utf-8") + "\n# another\n", encoding="utf-8")
    installed.cache_clear()
    assert f"skipped plugin {name}: not what was admitted" in bangfu("programme", "list").output


def test_a_faulty_plugin_is_not_admitted_and_harms_nobody(
    bangfu: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project(tmp_path, (PAGE, "", "\nwhile True:\n    pass\n"))
    install(folder, tmp_path / "site", monkeypatch)
    assert "did not end within 4 s" in bangfu("plugin", "admit", folder.name, "--seconds", 4, code=1).output
    listed = bangfu("programme", "list").output
    assert f"skipped plugin {folder.name}: not admitted" in listed
    assert [code in listed for code in OURS] == [True] * len(OURS)
    assert not (tmp_path / "home" / "plugins.json").exists()
    assert "is no installed third-party plugin" in bangfu("plugin", "admit", "county_default", code=2).stderr


@pytest.mark.parametrize("record", ["", "[]", "{", '{"tried": 1}', "\0"])
def test_a_record_that_cannot_be_read_admits_nothing(
    bangfu: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: str
) -> None:
    folder = project(tmp_path)
    install(folder, tmp_path / "site", monkeypatch)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "plugins.json").write_text(record, encoding="utf-8")
    assert f"skipped plugin {folder.name}: not admitted" in bangfu("programme", "list").output
