"""A plugin to begin with: one programme that is whole and passes, to be changed clause by clause.

The files are templates in ``files/``; ``$name`` is the plugin's code and its package, ``$title`` the programme's
Chinese name, ``$book`` the name of its rule book.
"""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from bangfu.programme import installed

PACKAGE = ("__init__.py", "rules.py", "policy.toml", "cases.toml", "released.toml")
"""What lies in the package itself; everything else stands beside it."""


class NameTaken(ValueError):
    """A name that a plugin cannot have, with the reason."""


def write(name: str, title: str, into: Path) -> Path:
    """Write a plugin into a new folder of its name, and return that folder.

    Raises :class:`NameTaken` for a name that is no lower-case word of letters, digits and underscores, is taken by a
    module or an installed programme, or whose folder exists; nothing is written then.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise NameTaken(f"{name!r} is no name for a plugin: lower-case letters, digits and single underscores")
    if keyword.iskeyword(name) or name == "tests":
        raise NameTaken(f"{name!r} is no name for a package")
    if find_spec(name) is not None or name in installed().programmes or name in installed().brought:
        raise NameTaken(f"{name} exists already")
    if re.search(r"[\\\"$\n\r\t]", title) or not title.strip():
        raise NameTaken(f"{title!r} is no title: words without quotation marks, backslashes or dollar signs")
    folder = into / name
    if folder.exists():
        raise NameTaken(f"{folder} exists already")
    values = {"name": name, "title": title, "book": "".join(word.capitalize() for word in name.split("_")) + "Clauses"}
    (folder / name).mkdir(parents=True)
    (folder / "tests").mkdir()
    for template in sorted(files(__name__).joinpath("files").iterdir(), key=lambda one: one.name):
        target = template.name.removesuffix(".in")
        where = folder / name if target in PACKAGE else folder / "tests" if target == "test_cases.py" else folder
        where.joinpath(target).write_text(
            Template(template.read_text(encoding="utf-8")).substitute(values), encoding="utf-8"
        )
    return folder
