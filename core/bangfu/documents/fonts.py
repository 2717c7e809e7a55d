"""The font that we bring along: Noto Sans CJK, for posters, and for what a reader's own fonts lack on public pages.

It has what GB 18030 names most often and many rare characters of names (𠮷 䶮 𬱖). A public page offers its own
characters as a small font, which a browser fetches only for those that its computer cannot draw.
"""

from __future__ import annotations

import io
from functools import cache, lru_cache
from pathlib import Path

import manimgx_fonts_cjk

FONT = Path(manimgx_fonts_cjk.__file__).parent / "NotoSansCJK-VF.otf.ttc"
"""Every weight and region in one file (SIL Open Font License 1.1)."""
_FACE = 2
"""Which font of the file is for mainland China."""
_MOST = 3000
"""How many characters a page offers at most."""


@cache
def known() -> frozenset[int]:
    """The code points that the font can draw."""
    from fontTools.ttLib import TTFont  # loaded where something is set, and not by every command

    with TTFont(FONT, fontNumber=_FACE, lazy=True) as font:
        return frozenset(font.getBestCmap())


def drawable(words: str) -> str:
    """Words with what the font cannot draw as a code point in brackets: 〔U+2A725〕."""
    return "".join(
        sign if ord(sign) in known() or not sign.isprintable() else f"〔U+{ord(sign):04X}〕" for sign in words
    )


def signs(words: str) -> str:
    """The Chinese and other characters of some words that the font can draw, each once, in their order."""
    return "".join(sorted({sign for sign in words if ord(sign) > 0x7F and ord(sign) in known()}))[:_MOST]


@lru_cache(maxsize=32)
def few(those: str) -> bytes:
    """A font (WOFF, with every weight) of some characters alone."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    options = subset.Options()
    options.drop_tables += ["GSUB", "GPOS", "BASE", "VORG", "vhea", "vmtx", "VVAR", "DSIG"]
    options.hinting = False
    options.notdef_outline = True
    options.flavor = "woff"
    # The instant of the making is left out: the same characters are the same bytes.
    with TTFont(FONT, fontNumber=_FACE, lazy=True, recalcTimestamp=False) as font:
        made = subset.Subsetter(options)
        made.populate(text=those)
        made.subset(font)
        out = io.BytesIO()
        subset.save_font(font, out, options)
    return out.getvalue()
