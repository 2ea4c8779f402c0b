"""What every figure needs: blank axes, numbers that can be drawn, words that can be printed.

matplotlib's own font, DejaVu Sans, has no Chinese, Japanese or Korean characters. A word that needs
them gets the first font of ``CJK_FONTS`` that is installed, as a fallback behind DejaVu Sans. A
character that neither font has (reviews from the web contain a few) is printed as ``MISSING``, so
that no warning about a missing glyph ever reaches the reader.

Figures are made without pyplot: nothing is registered anywhere, and a figure nobody keeps is freed.
What no figure can show (a number of more than thirty digits, a formula that makes no sense) is
refused before anything is drawn.
"""

import os
import re
from collections.abc import Collection, Sequence
from functools import lru_cache

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text
from torch import Tensor

from helpers.checks import check_in_range, check_int, check_not_meta, check_tensor, shown

__all__ = [
    "BASE_FONT",
    "CJK_FONTS",
    "LARGEST",
    "MISSING",
    "MOST_INCHES",
    "as_array",
    "as_labels",
    "as_limits",
    "check_figure",
    "check_words",
    "cjk_font",
    "dress",
    "finish",
    "fold",
    "label_ticks",
    "panels",
    "printable",
]

BASE_FONT = "DejaVu Sans"  # comes with matplotlib
MISSING = "\N{WHITE SQUARE}"
LARGEST = 1e30  # of what is drawn, in size: written out, a larger number is wider than a figure
MOST_INCHES = 100  # in either direction of a figure
_LEAST_INCHES = 0.5
_MOST_PANELS = 256
_MOST_CHARACTERS = 1000
CJK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimHei",
    "Noto Sans CJK JP",
    "Noto Sans CJK TC",
    "Noto Sans CJK KR",
    "STHeiti",
    "Heiti TC",
    "Arial Unicode MS",
)
# Where a line may break: a word or a formula stays whole, Chinese breaks anywhere but before its
# closing punctuation.
_CJK = f"\u2e80-\u9fff{MISSING}"
_UNITS = re.compile(
    rf"[{_CJK}][\u3001\u3002\uff00-\uff1f]*|(?:\$[^$]*\$|[^\s${_CJK}])+|\s+|\$",
)


def panels(
    rows: int = 1, columns: int = 1, *, width: float = 6.0, height: float = 4.0
) -> np.ndarray:
    """Return the axes of a new figure with ``rows`` times ``columns`` plots.

    Args:
        rows, columns: at most 256 plots in all.
        width, height: size of the whole figure in inches, from 0.5 to below ``MOST_INCHES``.

    Returns:
        An array of Axes of shape ``(rows, columns)``; each knows its ``.figure``.
    """
    rows, columns = check_int("rows", rows), check_int("columns", columns)
    if rows * columns > _MOST_PANELS:
        raise ValueError(
            f"rows times columns must be at most {_MOST_PANELS}, got {rows} x {columns}"
        )
    width = check_in_range("width", width, _LEAST_INCHES, MOST_INCHES)
    height = check_in_range("height", height, _LEAST_INCHES, MOST_INCHES)
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure.subplots(rows, columns, squeeze=False)


def cjk_font() -> str | None:
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

    Raises:
        TypeError: ``words`` is no string.
    """
    if not isinstance(words, str):
        raise TypeError(f"words must be str, got {shown(words)}")
    fonts = [_characters(BASE_FONT)]
    if not words.isascii() and (second := cjk_font()):
        fonts.append(_characters(second))
    return "".join(
        c if c == "\n" or any(ord(c) in known for known in fonts) else MISSING
        for c in words.replace("\t", " ")
    )


def dress(artist: Artist) -> None:
    """Give each text of an axes or a figure the fonts that its characters need."""
    if not isinstance(artist, Artist):
        raise TypeError(f"artist must be a matplotlib Artist, got {shown(artist)}")
    second = cjk_font()
    families = [BASE_FONT, second] if second else [BASE_FONT]
    for text in artist.findobj(Text):
        words = printable(text.get_text())
        text.set_text(words)
        # A text with a formula uses its first font only, so there the CJK font has to lead.
        formula = text.get_parse_math() and is_math_text(words)
        text.set_fontfamily(families[::-1] if formula and not words.isascii() else families)


def fold(text: Text, width: float) -> None:
    """Break ``text`` into lines no wider than ``width`` pixels, as the figure renders them."""
    if not isinstance(text, Text):
        raise TypeError(f"text must be a matplotlib Text, got {shown(text)}")
    width = check_in_range("width", width, 0, np.inf)
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


def check_figure(ax: object, **words: object) -> None:
    """Check what every function that draws is given: the axes, or None, and its words by name.

    Raises:
        TypeError: ``ax`` is no Axes, such as the array of them that `panels` returns, or see
            `check_words`.
        ValueError: see `check_words`.
    """
    if ax is not None:
        _check_axes(ax)
    check_words(**words)


def _check_axes(ax: object) -> None:
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be a matplotlib Axes, got {type(ax).__name__}")


def check_words(**words: object) -> None:
    """Check words that may hold formulas, by name, such as ``title="About $d_k$"``.

    Raises:
        TypeError: no string.
        ValueError: more than 1,000 characters, or a formula that matplotlib cannot read.
    """
    for name, text in words.items():
        if not _is_readable(_checked_string(name, text)):
            raise ValueError(f"{name} must hold no broken formula between dollars: {shown(text)}")


def _checked_string(name: str, text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{name} must be str, got {shown(text)}")
    if len(text) > _MOST_CHARACTERS:
        raise ValueError(
            f"{name} must have at most {_MOST_CHARACTERS} characters, got {len(text)}: "
            f"{shown(text)}"
        )
    return text


@lru_cache(maxsize=256)
def _is_readable(words: str) -> bool:
    """Whether matplotlib can read each formula, however `fold` may break the lines."""
    if "$" not in words:
        return True
    # Which symbol a formula holds does not matter here; one that the font lacks would be logged.
    lines = re.sub(r"[^\n\x20-\x7e]", "x", words).split("\n")
    pieces = [piece for line in lines for piece in (line, *_UNITS.findall(line))]
    try:
        for piece in filter(is_math_text, pieces):
            MathTextParser("path").parse(piece)
    except (ValueError, RecursionError):
        return False
    return True


def as_array(name: str, values: object, rank: int) -> np.ndarray:
    """Return ``values`` as a new float64 array of the given rank, finite and not empty.

    Raises:
        TypeError: ``values`` are no real numbers.
        ValueError: another rank, no number at all, or one that is not finite, masked or beyond
            ``LARGEST``.
    """
    rank = check_int("rank", rank, minimum=0)
    if isinstance(values, Tensor):
        values = check_not_meta(name, check_tensor(name, values, ("...",))).detach().cpu()
        values = values if values.is_complex() else values.double()
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must have rows of equal length") from None
    except (TypeError, RuntimeError) as error:
        raise TypeError(f"{name} must hold real numbers, got {shown(values)}") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if array.ndim != rank:
        raise ValueError(f"{name} must have rank {rank}, got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    with np.errstate(over="ignore"):  # a long double may become inf
        array = array.astype(np.float64)
    if not np.isfinite(array).all() or np.ma.is_masked(values):
        raise ValueError(f"{name} must be finite, got nan, inf or a masked entry")
    if np.abs(array).max() > LARGEST:
        raise ValueError(f"{name} must lie within {LARGEST:g} of zero to be drawn")
    return array


def as_labels(name: str, labels: Sequence[str], count: int) -> list[str]:
    """Return ``labels`` as a list of ``count`` printable strings of one line each.

    Raises:
        TypeError: ``labels`` is one string, or holds something else than strings.
        ValueError: another number of labels, or one of more than 1,000 characters.
    """
    count = check_int("count", count, minimum=0)
    if _count(name, labels) != count:
        raise ValueError(f"{name} must hold {count} label(s), got {len(labels)}")
    return [printable(_checked_string(name, label)).replace("\n", " ") for label in labels]


def _count(name: str, labels: object) -> int:
    """Return how many entries there are, in an order that has a meaning."""
    if isinstance(labels, str):
        raise TypeError(f"{name} must be a sequence of strings, got the string {shown(labels)}")
    unordered = isinstance(labels, bytes | bytearray | set | frozenset)
    if unordered or not isinstance(labels, Collection) or getattr(labels, "ndim", 1) == 0:
        raise TypeError(f"{name} must be a sequence of strings, got {shown(labels)}")
    return len(labels)


def as_limits(name: str, limits: object) -> tuple[float, float]:
    """Return ``limits`` as two floats ``low <= high``, both within ``LARGEST`` of zero.

    Raises:
        TypeError: no numbers.
        ValueError: not two of them, or the first is the larger one.
    """
    low, *others = as_array(name, limits, 1).tolist()
    if len(others) != 1 or low > others[0]:
        raise ValueError(f"{name} must be two numbers, the smaller one first, got {shown(limits)}")
    return low, others[0]


def label_ticks(ax: Axes, side: str, labels: list[str]) -> None:
    """Put one label at each index of the x or y axis, verbatim, smaller when there are many.

    Args:
        side: "x" or "y".
        labels: at least one.
    """
    _check_axes(ax)
    if not isinstance(side, str) or side not in ("x", "y"):
        raise ValueError(f'side must be "x" or "y", got {shown(side)}')
    if _count("labels", labels) == 0:
        raise ValueError("labels must hold at least one label, got none")
    labels = [_checked_string("labels", label) for label in labels]
    axis = ax.xaxis if side == "x" else ax.yaxis
    extent = ax.get_window_extent()
    room = (extent.width if side == "x" else extent.height) / len(labels)  # pixels for each
    axis.set_ticks(range(len(labels)), labels=labels)
    axis.set_tick_params(labelsize=np.clip(0.8 * room * 72 / ax.figure.dpi, 5.5, 9.0))
    texts = axis.get_ticklabels()
    for text in texts:
        text.set_parse_math(False)
    dress(axis)
    if side == "x" and max(text.get_window_extent().width for text in texts) > 0.9 * room:
        for text in texts:
            text.set(rotation=90, rotation_mode="anchor", ha="right", va="center")


def finish(ax: Axes, *, title: str, xlabel: str, ylabel: str) -> Axes:
    """Write title and axis labels, and dress every word.

    Raises:
        TypeError, ValueError: ``ax`` is no Axes, or the words are none (see `check_words`).
    """
    _check_axes(ax)
    check_words(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.set_title(title, fontsize=11)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    dress(ax)
    fold(ax.title, ax.get_window_extent().width)
    return ax
