"""Tables and running text on a terminal: no figure is ever cut, and Chinese lines break where they may."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text as Plain

_WIDE = r"\u2e80-\u9fff\uf900-\ufaff\uff01-\uff60"
_OPENING, _CLOSING = r"《〈“‘〔【(([", r",。、;:!?)》〉”’〕】…,.;:!?)\]"
_PIECE = re.compile(rf"\s+|[{_OPENING}]*(?:[{_WIDE}]|[^\s{_WIDE}]+)[{_CLOSING}]*")
"""What stays on one line: a Chinese character or a word, with the marks that open and close it."""
_LEAST = 8
"""The cells that a column of words keeps."""


def print_table(
    out: Console, title: str, headers: Sequence[str], rows: Iterable[Sequence[object]], right: Collection[int] = ()
) -> None:
    """Print a table whose numbers (the columns of ``right``) are whole, however narrow the terminal.

    Columns move together where it is narrow; where even that is not enough, lines run on and the terminal wraps them.
    """
    made = _table(title, headers, rows, right)
    if _wanted(made) > out.width:
        made.padding = 0
    out.print(made, width=max(out.width, _wanted(made)), crop=False)


def _wanted(table: Table) -> int:
    """The width below which a number of the table would be cut."""
    least = sum(column.min_width or 1 for column in table.columns)
    return least + (len(table.columns) + 1) * (1 + table.padding[1])


def _table(title: str, headers: Sequence[str], rows: Iterable[Sequence[object]], right: Collection[int]) -> Table:
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    lines = [[str(value) for value in row] for row in rows]
    for position, header in enumerate(headers):
        if position in right:
            widest = max(cell_len(header), _widest(lines, position))
            made.add_column(Plain(header), justify="right", min_width=widest)
        else:
            made.add_column(Plain(header), overflow="fold", min_width=min(_LEAST, _widest(lines, position)))
    for line in lines:
        made.add_row(*(Plain(cell) for cell in line))
    return made


def _widest(lines: Sequence[Sequence[str]], position: int) -> int:
    return max((cell_len(line[position]) for line in lines), default=0)


def folded(line: str, width: int) -> list[str]:
    """A line of text in lines of at most ``width`` cells, the further ones indented two cells more than the first."""
    margin = " " * (len(line) - len(line.lstrip()) + 2)
    lines, current = [], margin[2:]
    for piece in _PIECE.findall(line.strip()):
        if cell_len(current + piece.rstrip()) > width and current.strip():
            lines.append(current.rstrip())
            current = margin
            if piece.isspace():
                continue
        current += piece
        while cell_len(current) > width:  # a word longer than a line
            cut = next(end for end in range(len(current), 0, -1) if cell_len(current[:end]) <= width)
            lines.append(current[:cut])
            current = margin + current[cut:]
    return [*lines, current.rstrip()] if current.strip() else lines or [""]
