"""A plugin that lies in a folder and is not installed yet."""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from bangfu.programme import GROUP, Plugins, bundled, load


def declared_in(folder: Path) -> EntryPoint:
    """The plugin that a project folder declares in its ``pyproject.toml``.

    Raises ValueError where it declares none, or more than one.
    """
    try:
        raw = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{folder}: {error}") from error
    points = raw.get("project", {}).get("entry-points", {}).get(GROUP, {})
    if len(points) != 1:
        raise ValueError(f"{folder}: pyproject.toml declares {len(points)} plugins in {GROUP}")
    ((name, module),) = points.items()
    return EntryPoint(name, module, GROUP)


def load_from(folder: Path) -> Plugins:
    """The bundled plugins, and that of a project folder."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return load([*(point for point in entry_points(group=GROUP) if bundled(point)), declared_in(folder)])


def load_named(name: str) -> Plugins:
    """The bundled plugins, and an installed one by its name, admitted or not."""
    return load(point for point in entry_points(group=GROUP) if bundled(point) or point.name == name)
