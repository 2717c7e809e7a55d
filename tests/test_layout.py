"""The top of the repository is fixed, and some names would break what they shadow."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
FIXED = {"pyproject.toml", "core", "plugins", "graphql", "migrations", "tests", "README.md"}
PLUGINS = {"county_default", "yulu", "wanqi_bang_wancun", "zhucan"}


def test_the_fixed_top_level_is_there() -> None:
    present = {path.name for path in ROOT.iterdir()}
    assert present >= FIXED
    assert {path.name for path in (ROOT / "plugins").iterdir() if path.is_dir()} >= PLUGINS
    assert all((ROOT / "plugins" / name / "README.md").is_file() for name in PLUGINS)


def test_nothing_shadows_graphql_core() -> None:
    """An ``__init__.py`` there, or a package called graphql among the tests or plugins, would hide the library."""
    assert not (ROOT / "graphql" / "__init__.py").exists()
    assert not (ROOT / "tests" / "graphql").exists()
    assert not list((ROOT / "plugins").glob("*/graphql.py"))
    code = "import importlib.util as u; s = u.find_spec('graphql'); print(s.origin if s else None)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert str(ROOT / "graphql") not in found.stdout


def test_every_bundled_plugin_comes_in_by_the_entry_point_group() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = project["project"]["entry-points"]["bangfu.plugins"]
    packages = {path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py")}
    assert set(declared) == packages
    assert {f"plugins/{name}" for name in packages} <= set(
        project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    )
    for name in packages:
        assert importlib.util.find_spec(name) is not None


def test_no_room_is_called_what_it_is_not() -> None:
    for folder in ROOT.joinpath("core").rglob("*"):
        assert folder.stem not in {"utils", "services", "repositories", "helpers", "common", "misc"}, folder
