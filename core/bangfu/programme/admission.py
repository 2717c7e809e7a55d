"""Which third-party plugins an installation has admitted: one is looked at before it is ever loaded.

An installed plugin is code of its author's; importing it runs it. So it is not imported until ``bangfu plugin admit``
has looked at it in a process with limits, and only as long as its files are those that were looked at. What is admitted
lies in ``plugins.json`` in the installation's home: the hash of the files by the plugin's name.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

RECORD = "plugins.json"
May = Callable[[EntryPoint], str | None]
"""Why a third-party plugin may not be loaded, or None where it may."""


def fingerprint(point: EntryPoint) -> str | None:
    """The hash of what a plugin's entry point says and of every file of its package, found without importing it; None
    where there is no package, or its files cannot be read."""
    try:
        return _hashed(point)
    except (ImportError, ValueError, AttributeError, OSError):
        return None


def _hashed(point: EntryPoint) -> str | None:
    spec = find_spec(point.module.partition(".")[0])
    if spec is None or (spec.origin is None and spec.submodule_search_locations is None):
        return None
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    files = [(folder, file) for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    if not folders and spec.origin is not None:
        files = [(Path(spec.origin).parent, Path(spec.origin))]
    total = hashlib.sha256(f"{point.value}\0".encode())
    for folder, file in files:
        if "__pycache__" in file.parts:
            continue
        total.update(f"{file.relative_to(folder)}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def admitted(home: Path) -> dict[str, str]:
    """The hashes of the plugins that an installation has admitted; a record that cannot be read admits nothing."""
    try:
        raw = json.loads((home / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: kept for name, kept in raw.items() if isinstance(kept, str)} if isinstance(raw, dict) else {}


def by_record(home: Path) -> May:
    """Let in what the installation of a home has admitted, as long as its files have not changed."""
    known = admitted(home)

    def may(point: EntryPoint) -> str | None:
        if point.name not in known:
            return f"not admitted; look at it first: bangfu plugin admit {point.name}"
        if fingerprint(point) != known[point.name]:
            return f"not what was admitted; look at it again: bangfu plugin admit {point.name}"
        return None

    return may


def admit(home: Path, name: str, kept: str) -> None:
    """Put a plugin, by the hash of its files, into the record of an installation."""
    home.mkdir(parents=True, exist_ok=True)
    told = json.dumps({**admitted(home), name: kept}, indent=1, sort_keys=True)
    written = home / f"{RECORD}.{os.getpid()}"
    written.write_text(told, encoding="utf-8")
    written.replace(home / RECORD)
