"""What every figure needs: blank axes, numbers that can be drawn, words that can be printed.

matplotlib's own font, DejaVu Sans, has no Chinese, Japanese or Korean characters. A word that needs
them gets the first font of ``CJK_FONTS`` that is installed, as a fallback behind DejaVu Sans. A
character that neither font has (reviews from the web contain a few) is printed as ``MISSING``, so
that no warning about a missing glyph ever reaches the reader.

Figures are made without pyplot: nothing is registered anywhere, and a figure nobody keeps is freed.
"""

import os
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.text import Text

from helpers.contracts import Count, Finite, Positive, Size, guard
from helpers.refusals import refusal

__all__ = ["finish", "panels"]  # all else is for the modules that stand above this one

# Numbers as the reader has them: nested lists, a NumPy array or a tensor. `as_array` judges them.
Values = object
Limits = Collection[Finite]

MISSING = "\N{WHITE SQUARE}"
_FONTS = """Noto Sans CJK SC, Noto Sans SC, Source Han Sans SC, Source Han Sans CN,
Microsoft YaHei, PingFang SC, Hiragino Sans GB, WenQuanYi Micro Hei, WenQuanYi Zen Hei, SimHei,
Noto Sans CJK JP, Noto Sans CJK TC, Noto Sans CJK KR, STHeiti, Heiti TC, Arial Unicode MS"""
CJK_FONTS = tuple(re.split(r",\s", _FONTS))
_BASE_FONT = "DejaVu Sans"  # comes with matplotlib
# Where a line may break: a word or a formula stays whole, Chinese breaks anywhere but before its
# closing punctuation.
_CJK = f"\u2e80-\u9fff{MISSING}"
_UNITS = re.compile(rf"[{_CJK}][\u3001\u3002\uff00-\uff1f]*|(?:\$[^$]*\$|[^\s${_CJK}])+|\s+|\$")


def panels(
    rows: Size = 1, columns: Size = 1, *, width: Positive = 6.0, height: Positive = 4.0
) -> np.ndarray:
    """Return the axes of a new figure with ``rows`` times ``columns`` plots.

    Args:
        width, height: size of the whole figure in inches.

    Returns:
        An array of Axes of shape ``(rows, columns)``; each knows its ``.figure``.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure.subplots(rows, columns, squeeze=False)


def _cjk_font() -> str | None:
    """Return the name of the first installed font of ``CJK_FONTS``, or None.

    None also where the environment variable ``COURSE_STATIC`` is set: what is compared or published
    must not depend on the fonts of a machine.

    matplotlib lists the installed fonts once and keeps the list in its cache folder. After
    installing a font, delete the ``fontlist-*.json`` in ``matplotlib.get_cachedir()``.
    """
    if os.environ.get("COURSE_STATIC"):
        return None
    installed = {entry.name for entry in fontManager.ttflist}
    return next((name for name in CJK_FONTS if name in installed), None)


@lru_cache(maxsize=8)
def _characters(family: str) -> frozenset[int]:
    """Return the code points that the font has a glyph for."""
    return frozenset(get_font(findfont(FontProperties(family=[family]))).get_charmap())


def printable(words: str) -> str:
    """Return ``words`` with every character that no font can print replaced by ``MISSING``.

    A line break stays; a tab becomes a space.
    """
    fonts = [_characters(_BASE_FONT)]
    if not words.isascii() and (second := _cjk_font()):
        fonts.append(_characters(second))
    return "".join(
        c if c == "\n" or any(ord(c) in known for known in fonts) else MISSING
        for c in words.replace("\t", " ")
    )


def dress(artist: Artist) -> None:
    """Give each text of an axes or a figure the fonts that its characters need."""
    second = _cjk_font()
    families = [_BASE_FONT, second] if second else [_BASE_FONT]
    for text in artist.findobj(Text):
        words = printable(text.get_text())
        text.set_text(words)
        # A text with a formula uses its first font only, so there the CJK font has to lead.
        formula = text.get_parse_math() and is_math_text(words)
        text.set_fontfamily(families[::-1] if formula and not words.isascii() else families)


def fold(text: Text, width: Positive) -> None:
    """Break ``text`` into lines no wider than ``width`` pixels, as the figure renders them."""
    lines = []
    for line in text.get_text().split("\n"):
        kept = ""
        for unit in _UNITS.findall(line):
            text.set_text((kept + unit).strip())
            if kept.strip() and text.get_window_extent().width > width:
                lines.append(kept.strip())
                kept = ""
            kept += unit
        lines.append(kept.strip())
    text.set_text("\n".join(lines))


def as_array(name: str, values: Any, rank: Count) -> np.ndarray:
    """Return a float64 copy of ``values``: finite real numbers, at least one.

    What is nan or inf would be missing in the figure without a word.
    """
    try:
        # A tensor, of any device and dtype, is known by its method: nothing here imports torch.
        array = np.asarray(values.tolist() if hasattr(values, "detach") else values)
    except (TypeError, ValueError, RuntimeError):  # such as rows of unequal length
        array = np.empty((), object)
    if array.dtype.kind not in "biuf":
        wanted = "be an array of real numbers" if rank else "be a real number"
        raise refusal(name, wanted, values, TypeError)
    if array.ndim != rank or array.size == 0:
        raise refusal(name, f"have rank {rank} and hold a number", array.shape)
    if not np.isfinite(array).all():
        raise refusal(name, "be finite", array[~np.isfinite(array)][0])
    return array.astype(np.float64)


def as_labels(name: str, labels: Collection | None, count: Count) -> Any:
    """Return ``labels`` as a list of ``count`` printable texts of one line each; None stays."""
    if labels is None:
        return None
    if isinstance(labels, str | set) or not all(isinstance(label, str) for label in labels):
        raise refusal(name, "be a list of texts", labels, TypeError)
    if len(labels) != count:
        raise refusal(name, f"hold {count} texts", len(labels))
    return [printable(label).replace("\n", " ") for label in labels]


def as_limits(name: str, limits: Collection) -> tuple[float, float]:
    """Return ``limits`` as two floats, the smaller one first."""
    low, *high = as_array(name, limits, 1).tolist()
    if len(high) != 1 or low >= high[0]:
        raise refusal(name, "be two numbers, the smaller one first", limits)
    return low, high[0]


def label_ticks(ax: Axes, side: Literal["x", "y"], labels: Collection[str] | None) -> None:
    """Put one label at each index of the x or y axis, verbatim, smaller when there are many."""
    if labels is None:  # then the indices are counted
        ax.locator_params(axis=side, nbins=8, integer=True, min_n_ticks=1)
        return
    axis = ax.xaxis if side == "x" else ax.yaxis
    extent = ax.get_window_extent()
    room = (extent.width if side == "x" else extent.height) / len(labels)  # pixels for each
    axis.set_ticks(range(len(labels)), labels=labels, parse_math=False)
    axis.set_tick_params(labelsize=np.clip(0.8 * room * 72 / ax.figure.dpi, 5.5, 9.0))
    texts = axis.get_ticklabels()
    dress(axis)
    if side == "x" and max(text.get_window_extent().width for text in texts) > 0.9 * room:
        for text in texts:
            text.set(rotation=90, rotation_mode="anchor", ha="right", va="center")


def finish(ax: Axes, *, title: str, xlabel: str, ylabel: str) -> Axes:
    """Write title and axis labels, and dress every word."""
    ax.set_title(title, fontsize=11)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    dress(ax)
    fold(ax.title, ax.get_window_extent().width)
    return ax


guard(globals())
