"""What the terminal shows: lines that break where Chinese and English may, figures that are never cut."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from bangfu.cli.page import folded, print_table


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("", [""]),
        ("  短", ["  短"]),
        ("一二三四五六七", ["一二三四五", "  六七"]),
        ("一二三四五。六", ["一二三四", "  五。六"]),
        ("一二三四《五》", ["一二三四", "  《五》"]),
        ("one two three", ["one two", "  three"]),
        ("  abcdefghijkl", ["  abcdefgh", "    ijkl"]),
    ],
)
def test_a_line_breaks_where_it_may(line: str, lines: list[str]) -> None:
    assert folded(line, 10) == lines


@given(st.text(st.sampled_from("一二。《》(),. ab12"), max_size=60), st.integers(12, 40))
def test_folding_loses_nothing_and_fits(line: str, width: int) -> None:
    lines = folded(line, width)
    assert all(cell_len(part) <= width for part in lines)
    assert "".join("".join(lines).split()) == "".join(line.split())


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_figure_is_cut(width: int) -> None:
    out = Console(file=io.StringIO(), width=width)
    rows = [["[red]甲", *["13,636,245.86"] * 5], ["合计", *["1.00"] * 5]]
    print_table(out, "表", ["乡镇名称很长很长", *["金额(元)"] * 5], rows, right=range(1, 6))
    assert isinstance(out.file, io.StringIO)
    shown = out.file.getvalue()
    assert shown.count("13,636,245.86") == 5
    assert "[red]" in shown
    assert "…" not in shown
