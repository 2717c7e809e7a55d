"""Papers as PDF, in a font that we bring along: set by Typst, which is a library here and reads nothing but a template
beside this file, the font and the data it is given.

A character that the font lacks is shown as its code point in brackets, and never as an empty box. The same data is the
same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst

from bangfu.documents.fonts import FONT, drawable

_TEMPLATES = Path(__file__).parent
_EPOCH = datetime(1980, 1, 1, tzinfo=UTC)


def pdf(template: str, data: Mapping[str, Any]) -> bytes:
    """The PDF of a template (``poster``) with its data."""
    made = typst.compile(
        (_TEMPLATES / f"{template}.typ").read_bytes(),
        format="pdf",
        font_paths=_fonts(),
        sys_inputs={"data": drawable(json.dumps(data, ensure_ascii=False))},
        timestamp=_EPOCH,
    )
    assert isinstance(made, bytes)
    return made


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONT.parent)])
