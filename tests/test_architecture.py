"""What the import contracts cannot see: no clock in the kernel, time passed in, one edge that commits."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from bangfu.db import head, migrations

ROOT = Path(__file__).parent.parent
CORE = ROOT / "core" / "bangfu"
KERNEL = [CORE / f"{name}.py" for name in ("text", "errors", "calendar", "selection")]
KERNEL += sorted(path for room in ("policy", "process", "rules") for path in (CORE / room).glob("*.py"))


def calls(path: Path) -> Iterator[tuple[str, int]]:
    """The last name of everything that a file calls, with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            yield name, node.lineno


@pytest.mark.parametrize("path", KERNEL, ids=lambda path: str(path.relative_to(CORE)))
def test_the_kernel_reads_no_clock_and_no_chance(path: Path) -> None:
    forbidden = {"now", "today", "utcnow", "time", "time_ns", "monotonic", "urandom", "token_hex", "getenv", "open"}
    found = [(name, line) for name, line in calls(path) if name in forbidden]
    assert found == []


def test_time_is_read_at_the_edges_only() -> None:
    """Rooms are handed the moment; the clock is read where a request begins, for ids, and for the leases of jobs."""
    readers = {
        str(path.relative_to(CORE))
        for path in CORE.rglob("*.py")
        for name, _ in calls(path)
        if name in {"now", "utcnow", "time_ns"} and path.parts[-2] != "demo"
    }
    assert readers == {
        "access/__init__.py",
        "cli/accounts.py",
        "cli/audit.py",
        "cli/installation.py",
        "cli/money.py",
        "cli/officer.py",
        "jobs.py",
        "models.py",
    }


def test_nobody_commits_but_the_edge() -> None:
    committing = {
        str(path.relative_to(CORE))
        for path in CORE.rglob("*.py")
        for name, _ in calls(path)
        if name in {"commit", "begin"}
    }
    assert committing == {"db/__init__.py", "db/session.py"}


def test_the_import_contracts_hold_and_would_find_a_breach() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    held = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert held.returncode == 0, held.stdout
    assert "0 broken" in held.stdout


def test_every_public_name_of_the_core_is_explained() -> None:
    missing = []
    for path in [*CORE.rglob("*.py"), *(ROOT / "plugins").rglob("*.py"), *(ROOT / "graphql").rglob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if path.stat().st_size and not ast.get_docstring(tree):
            missing.append(str(path))
        missing += [
            f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and not ast.get_docstring(node)
            and not _inner(tree, node)
            and not _overload(node)
        ]
    assert missing == []


def _inner(tree: ast.Module, wanted: ast.AST) -> bool:
    """Whether a definition stands inside a function or a private class, where it is nobody else's."""
    return any(
        wanted in ast.walk(node) and node is not wanted
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(node, ast.ClassDef) and node.name.startswith("_"))
    )


def _overload(node: ast.AST) -> bool:
    return any(getattr(d, "id", "") == "overload" for d in getattr(node, "decorator_list", []))


def test_the_migrations_are_numbered_and_the_last_number_is_their_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations()))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [head()]
    numbers = sorted(path.name[:4] for path in (ROOT / "migrations" / "versions").glob("*.py"))
    assert numbers == [f"{place:04}" for place in range(1, len(numbers) + 1)]
    assert [one.revision for one in script.walk_revisions()] == numbers[::-1]


def test_a_command_loads_nothing_that_it_can_do_without() -> None:
    """What decides a county, sets a page and changes the tables takes longer to load than most commands to run."""
    late = {"alembic", "fontTools", "polars"}
    code = f"import sys, bangfu.cli; print(sorted({late!r} & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
