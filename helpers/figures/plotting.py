"""Lines, bars, histograms and points: arrays in, ``Axes`` out.

Every function draws into the ``ax`` it is given or, without one, into a figure of its own, made
without pyplot. In a notebook (after ``%matplotlib inline``) the last line of the cell is
``ax.figure``; several plots side by side go into the axes that ``panels`` makes.
Every word is an argument, so that a figure can be drawn in any language; titles and axis labels may
hold formulas (``$d_k$``), tokens and class names are written as they are.

Numbers may be NumPy arrays, torch tensors or nested lists; they are copied, never changed.

Dimensions: ``N`` points.
"""

from collections.abc import Collection, Iterable, Mapping
from itertools import cycle
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from helpers.contracts import Count, Size, guard
from helpers.figures.canvas import (
    Limits,
    Values,
    as_array,
    as_labels,
    as_limits,
    finish,
    label_ticks,
    panels,
)
from helpers.refusals import refusal

__all__ = ["COLOURS", "plot_bars", "plot_histogram", "plot_lines", "plot_scatter"]

Series = Mapping[str, Values]  # name in the legend -> numbers
Scale = Literal["linear", "log"]

# Okabe and Ito's palette, told apart with any kind of colour vision; yellow is left out (too pale).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_MARKERS = "osD^vPX"
# Told apart without any colour too, and open enough to show a line that lies below.
_STROKES = ("-", "--", "-.", ":", (0, (8, 2)), (0, (5, 1, 1, 1, 1, 1)), (0, (2, 1)))
_POINTS_MARKED = 24  # on a line; of longer ones some are marked


def _arrays(argument: str, named: Series | None, rank: Count) -> dict[str, np.ndarray]:
    """Return what is named as arrays, by the same names."""
    named = named or {}
    return {name: as_array(f"{argument}[{name!r}]", named[name], rank) for name in named}


def _series(series: Series, rank: Count) -> dict[str, np.ndarray]:
    if not 0 < len(series) <= len(COLOURS):
        raise refusal("series", f"hold 1 to {len(COLOURS)} entries", len(series))
    return _arrays("series", series, rank)


def _check_scale(name: str, scale: Scale, drawn: Iterable[np.ndarray]) -> None:
    lowest = min((values.min() for values in drawn), default=1)
    if scale == "log" and lowest <= 0:
        raise refusal(name, "be above 0 on a log scale", lowest)


def _references(ax: Axes, *, hlines: dict[str, np.ndarray], vlines: dict[str, np.ndarray]) -> None:
    """Draw grey reference lines, each with a pattern of its own, named in the legend."""
    patterns = cycle(("--", ":", "-."))
    for draw, places in ((ax.axhline, hlines), (ax.axvline, vlines)):
        for label, place in places.items():
            draw(float(place), color="#555555", lw=1.4, linestyle=next(patterns), label=label)


def plot_lines(
    x: Values,
    series: Series,
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    xscale: Scale = "linear",
    yscale: Scale = "linear",
    hlines: Series | None = None,
    vlines: Series | None = None,
    legend: Literal["inside", "beside"] = "inside",
    ax: Axes | None = None,
) -> Axes:
    """Draw one line for each entry of ``series`` over the same ``x``, such as learning curves.

    Each has a colour, a stroke and a marker of its own.

    Args:
        x: ``(N,)``.
        series: name in the legend -> ``(N,)`` values.
        xscale, yscale: a log scale needs numbers above 0.
        hlines, vlines: name in the legend -> height or place of a grey reference line.
        legend: where the names stand; beside the plot they cover nothing, and take of its width.
    """
    x, lines = as_array("x", x, 1), _series(series, 1)
    for name, values in lines.items():
        if values.size != x.size:
            raise refusal(f"series[{name!r}]", f"hold {x.size} values like x", values.size)
    heights, places = _arrays("hlines", hlines, 0), _arrays("vlines", vlines, 0)
    _check_scale("x", xscale, [x])
    _check_scale("series", yscale, lines.values())
    _check_scale("hlines", yscale, heights.values())
    _check_scale("vlines", xscale, places.values())
    if ax is None:
        ax = panels(width=6.0, height=3.6)[0, 0]
    every = 1 if x.size <= _POINTS_MARKED else -(-x.size // 8)
    marked = every == 1 or len(lines) > 1
    for place, (name, values) in enumerate(lines.items()):
        ax.plot(
            x,
            values,
            color=COLOURS[place],
            linestyle=_STROKES[place],
            marker=_MARKERS[place] if marked else None,
            markersize=4,
            markevery=(place * every // len(lines), every),  # no two lines at the same points
            label=name,
        )
    _references(ax, hlines=heights, vlines=places)
    ax.set(xscale=xscale, yscale=yscale)
    if xscale == "log" and x.size <= 8:
        ax.set_xticks(x, labels=[f"{value:g}" for value in x])
        ax.xaxis.set_minor_locator(NullLocator())
    elif np.array_equal(x, x.round()):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.grid(alpha=0.3)
    if len(ax.get_lines()) > 1:
        if legend == "beside":
            ax.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0)
        else:
            ax.legend(fontsize=9)
    return finish(ax, title=title, xlabel=xlabel, ylabel=ylabel)


def plot_scatter(
    series: Series,
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    limits: Limits | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw points in the plane, one colour and marker for each entry of ``series``.

    Args:
        series: name in the legend -> ``(N, 2)`` points; sizes may differ.
        limits: both ends of both axes; what the points need by default.
    """
    points = _series(series, 2)
    for name, values in points.items():
        if values.shape[1] != 2:
            raise refusal(f"series[{name!r}]", "have shape (N, 2)", values.shape)
    if limits is not None:
        limits = as_limits("limits", limits)
    if ax is None:
        ax = panels(width=4.6, height=4.4)[0, 0]
    for (name, values), colour, marker in zip(points.items(), COLOURS, _MARKERS, strict=False):
        x, y = values.T
        ax.scatter(x, y, s=9, color=colour, marker=marker, alpha=0.5, linewidths=0, label=name)
    if limits is not None:
        ax.set(xlim=limits, ylim=limits)
    ax.set_aspect("equal")
    ax.grid(alpha=0.3)
    if len(points) > 1:
        ax.legend(fontsize=9, loc="upper right")
    return finish(ax, title=title, xlabel=xlabel, ylabel=ylabel)


def plot_bars(
    labels: Collection[str],
    values: Values,
    *,
    title: str,
    xlabel: str,
    ylabel: str = "",
    digits: Count = 3,
    vlines: Series | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one horizontal bar for each label, from the top down, with its number at the end.

    Args:
        labels: the ``N`` names.
        values: ``(N,)``.
        digits: decimals of the numbers.
        vlines: name in the legend -> place of a grey reference line.
    """
    values, places = as_array("values", values, 1), _arrays("vlines", vlines, 0)
    labels = as_labels("labels", labels, values.size)
    if ax is None:
        ax = panels(width=6.0, height=0.38 * (values.size + bool(places)) + 1.0)[0, 0]
    bars = ax.barh(range(values.size), values, color=COLOURS[0], height=0.7)
    ax.bar_label(bars, fmt=f"%.{digits}f", padding=4, fontsize=9)
    label_ticks(ax, "y", labels)
    ax.set_ylim(values.size - 0.4, -1.5 if places else -0.6)  # a free row for the legend
    ax.margins(x=0.14)
    ax.grid(axis="x", alpha=0.3)
    ax.set_axisbelow(True)
    _references(ax, hlines={}, vlines=places)
    if places:
        ax.legend(fontsize=9, loc="upper right", ncols=3)
    return finish(ax, title=title, xlabel=xlabel, ylabel=ylabel)


def plot_histogram(
    series: Series,
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    bins: Size | Collection = 40,
    vlines: Series | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often values fall into each bin, one outline for each entry of ``series``.

    Args:
        series: name in the legend -> ``(N,)`` values; sizes may differ, the bins are shared.
        bins: how many bins of equal width, or their edges; values outside the edges are left out.
        vlines: name in the legend -> place of a grey reference line.
    """
    samples, places = _series(series, 1), _arrays("vlines", vlines, 0)
    bins = as_array("bins", bins, 1) if isinstance(bins, Collection) else bins
    edges = np.histogram_bin_edges(np.concatenate(list(samples.values())), bins)
    if ax is None:
        ax = panels(width=6.0, height=3.4)[0, 0]
    for (name, values), colour in zip(samples.items(), COLOURS, strict=False):
        counts, _ = np.histogram(values, edges)
        ax.stairs(counts, edges, fill=True, color=colour, alpha=0.25)
        ax.stairs(counts, edges, color=colour, linewidth=1.6, label=name)
    ax.set_ylim(bottom=0)
    _references(ax, hlines={}, vlines=places)
    if len(samples) > 1 or places:
        ax.legend(fontsize=9)
    return finish(ax, title=title, xlabel=xlabel, ylabel=ylabel)


guard(globals())
