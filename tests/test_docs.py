"""The documentation says what the code says: problems, commands, settings, walls, hooks, dependencies, and the
README's commands."""

from __future__ import annotations

import ast
import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", sorted(generator().PAGES))
def test_the_made_pages_are_up_to_date(page: str) -> None:
    made = generator().PAGES[page]()
    assert (DOCS / page).read_text(encoding="utf-8") == made, "run: python docs/generate.py"


def test_every_setting_is_listed_and_every_listed_setting_is_read() -> None:
    read = set()
    for path in (*ROOT.joinpath("core").rglob("*.py"), *ROOT.joinpath("graphql").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                read |= set(re.findall(r"^BANGFU_[A-Z_]+$", node.value))
    listed = set(re.findall(r"`(BANGFU_[A-Z_]+)`", (DOCS / "settings.md").read_text(encoding="utf-8")))
    assert listed == read


def test_every_dependency_is_justified_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["embedded"]
    names = {re.split(r"[\[<>=]", item)[0] for item in needed}
    page = (DOCS / "dependencies.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z0-9-]+)`", page, re.M)) == names
    for item in project["dependency-groups"]["dev"]:
        assert f"`{re.split(r'[<>=]', item)[0]}`" in page, item


def test_the_lock_holds_versions_and_hashes_and_no_addresses() -> None:
    for lock in ROOT.joinpath("requirements").glob("*.lock"):
        text = lock.read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index" not in text


def commands_in(page: Path) -> list[str]:
    """The commands of a README's fenced blocks."""
    blocks = re.findall(r"```\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    return [
        line.strip()
        for block in blocks
        for line in block.splitlines()
        if re.match(r"(make|bangfu|\.venv|export)", line.strip())
    ]


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_commands_of_the_readme_exist(page: str) -> None:
    import click

    from bangfu.cli import main

    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    lines = commands_in(ROOT / page)
    assert {"make demo", "make test"} <= set(lines)
    for line in lines:
        words = line.split("#")[0].split()
        if words[0] == "make":
            assert words[1] in targets
            continue
        if words[0] in ("export", "source"):
            continue
        command: click.Command = main
        words = re.sub(r"--(tenant|as) \S+", "", " ".join(words[1:])).split()
        while isinstance(command, click.Group):
            found = command.get_command(click.Context(command), words.pop(0))
            assert found is not None, line
            command = found
        options = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= options, line


def test_the_chinese_readme_is_a_twin() -> None:
    english, chinese = (ROOT / name for name in ("README.md", "README.zh.md"))

    def strip(page: Path) -> list[str]:
        """The commands as far as they do not depend on the language."""
        return [
            re.sub(r" ID\b", " 编号", re.sub(r"\s*#.*", "", line)).replace("HOUSEHOLD", "户编号")
            for line in commands_in(page)
        ]

    assert strip(english) == strip(chinese)
    heads = [len(re.findall(r"^#+ ", page.read_text(encoding="utf-8"), re.M)) for page in (english, chinese)]
    assert heads[0] == heads[1]


def test_every_link_in_the_documentation_leads_somewhere() -> None:
    pages = [
        *ROOT.glob("*.md"),
        *ROOT.glob("graphql/*.md"),
        *DOCS.rglob("*.md"),
        *ROOT.glob("plugins/*/README.md"),
        *ROOT.glob("benchmarks/*.md"),
    ]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} → {target}"


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_every_document_of_the_api_pages_is_valid(page: str) -> None:
    from graphql import build_schema, parse, validate

    schema = build_schema((ROOT / "graphql" / "schema.graphql").read_text(encoding="utf-8"))
    documents = re.findall(r"```graphql\n(.*?)```", (DOCS / "api" / page).read_text(encoding="utf-8"), re.S)
    assert len(documents) >= 5
    for document in documents:
        assert validate(schema, parse(document)) == [], document


def test_the_api_pages_name_every_committed_operation_and_explain_every_scalar_of_ours() -> None:
    for page in ("README.md", "README.zh.md"):
        text = (DOCS / "api" / page).read_text(encoding="utf-8")
        assert {p.stem for p in ROOT.glob("graphql/operations/*.graphql") if p.name not in text} == set()
        for scalar in ("Money", "Percentage", "MonthDay", "DivisionCode"):
            assert f"### {scalar}" in text


def test_decisions_are_one_page_each_titled_as_a_sentence() -> None:
    pages = list(DOCS.joinpath("decisions").glob("*.md"))
    assert len(pages) >= 8
    for page in pages:
        lines = page.read_text(encoding="utf-8").splitlines()
        assert re.match(r"# [A-Z].* .* ", lines[0]), page
        assert len(lines) <= 45, page
        assert page.stem == re.sub(r"[^a-z0-9]+", "-", lines[0][2:].lower()).strip("-")[: len(page.stem)], page


def test_nothing_names_a_registry_or_a_machine() -> None:
    import subprocess

    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    if not any(files):
        pytest.skip("this is no git checkout, so what belongs to the repository is not known")
    patterns = "|".join(
        ("py" + "pi\\.org", "python" + "hosted", "registry\\.np" + "mjs", "/wo" + "rk/", "/ro" + "ot/\\.")
    )
    for name in filter(None, files):
        path = ROOT / name
        if path.suffix in {".lock", ".png"} or not path.is_file():
            continue
        assert not re.search(patterns, path.read_text(encoding="utf-8", errors="replace")), name
