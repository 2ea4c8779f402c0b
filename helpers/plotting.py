"""Figures of the course: arrays in, ``Axes`` out.

Every function draws into the ``ax`` it is given or, without one, into a figure of its own, made
without pyplot. In a notebook (after ``%matplotlib inline``) the last line of the cell is
``ax.figure``; several plots side by side go into the axes that ``helpers.canvas.panels`` makes.
Every word is an argument, so that a figure can be drawn in any language; titles and axis labels may
hold formulas (``$d_k$``), tokens and class names are written as they are.

Arrays may be NumPy arrays, torch tensors or nested lists of finite numbers; they are copied, never
changed. A TypeError or ValueError names the argument that does not fit.

Dimensions: ``T`` queries or positions, ``S`` keys, ``D`` model width, ``H`` heads, ``C`` classes,
``N`` points or tokens.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import cycle
from numbers import Integral

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from helpers.canvas import (
    MOST_INCHES,
    as_array,
    as_labels,
    as_limits,
    check_figure,
    check_words,
    finish,
    label_ticks,
    panels,
)
from helpers.checks import check_int, shown

__all__ = [
    "COLOURS",
    "plot_bars",
    "plot_histogram",
    "plot_lines",
    "plot_scatter",
]

# Okabe and Ito's palette, told apart with any kind of colour vision; yellow is left out (too pale).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_MARKERS = "osD^vPX"
_MOST_BINS = 1000
_MOST_DIGITS = 17  # more than a float64 has


def _checked_series(series: object, rank: int, what: str = "entries") -> dict[str, np.ndarray]:
    """Return the arrays of a mapping by their names in the legend."""
    if not isinstance(series, Mapping):
        raise TypeError(f"series must map names to numbers, got {shown(series)}")
    if not 0 < len(series) <= len(COLOURS):
        raise ValueError(f"series must hold 1 to {len(COLOURS)} {what}, got {len(series)}")
    for name in series:
        check_words(**{"a name in series": name})
    return {
        name: as_array(f"series[{shown(name)}]", values, rank) for name, values in series.items()
    }


def _checked_references(argument: str, lines: object, scale: str = "linear") -> dict[str, float]:
    """Return the places of reference lines by their names in the legend."""
    if lines is None:
        return {}
    if not isinstance(lines, Mapping):
        raise TypeError(f"{argument} must map names to numbers, got {shown(lines)}")
    places = {}
    for name, place in lines.items():
        check_words(**{f"a name in {argument}": name})
        places[name] = float(as_array(f"{argument}[{shown(name)}]", place, 0))
        if scale == "log" and places[name] <= 0:
            raise ValueError(
                f"{argument}[{shown(name)}] must be above 0 on a log scale, got {places[name]:g}"
            )
    return places


def _checked_bins(values: np.ndarray, bins: object) -> np.ndarray:
    """Return the edges of the bins."""
    if isinstance(bins, Integral) or not isinstance(bins, Collection) or isinstance(bins, str):
        count = check_int("bins", bins)
    else:
        edges = as_array("bins", bins, 1)
        count = edges.size - 1
        if count == 0 or (np.diff(edges) < 0).any():
            raise ValueError(f"bins must be two rising edges or more, got {shown(bins)}")
    if count > _MOST_BINS:
        raise ValueError(f"bins must be at most {_MOST_BINS}, got {count}")
    try:
        return np.histogram_bin_edges(values, bins)
    except ValueError as error:
        raise ValueError(
            f"bins must be fewer, {count} are too narrow between {values.min():g} and "
            f"{values.max():g}"
        ) from error


def _references(
    ax: Axes,
    *,
    hlines: Mapping[str, float],
    vlines: Mapping[str, float],
) -> None:
    """Draw grey reference lines, each with a pattern of its own, named in the legend."""
    patterns = cycle(("--", ":", "-."))
    style = {"color": "#555555", "linewidth": 1.4}
    for label, height in hlines.items():
        ax.axhline(height, linestyle=next(patterns), label=label, **style)
    for label, place in vlines.items():
        ax.axvline(place, linestyle=next(patterns), label=label, **style)


def plot_lines(
    x: object,
    series: Mapping[str, object],
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    xscale: str = "linear",
    yscale: str = "linear",
    hlines: Mapping[str, float] | None = None,
    vlines: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one line for each entry of ``series`` over the same ``x``, such as learning curves.

    Args:
        x: ``(N,)``.
        series: name in the legend -> ``(N,)`` values.
        xscale, yscale: "linear" or "log" (log needs numbers above 0).
        hlines, vlines: name in the legend -> height or place of a grey reference line.
    """
    check_figure(ax, title=title, xlabel=xlabel, ylabel=ylabel)
    x, lines = as_array("x", x, 1), _checked_series(series, 1, "lines")
    for name, values in lines.items():
        if values.size != x.size:
            raise ValueError(
                f"series[{shown(name)}] must hold {x.size} values like x, got {values.size}"
            )
    drawn = {"x": [x], "series": list(lines.values())}
    for key, scale, name in (("xscale", xscale, "x"), ("yscale", yscale, "series")):
        if not isinstance(scale, str) or scale not in ("linear", "log"):
            raise ValueError(f'{key} must be "linear" or "log", got {shown(scale)}')
        lowest = min(values.min() for values in drawn[name])
        if scale == "log" and lowest <= 0:
            raise ValueError(f'{key}="log" needs {name} above 0, got {lowest:g}')
    hlines = _checked_references("hlines", hlines, yscale)
    vlines = _checked_references("vlines", vlines, xscale)
    if ax is None:
        ax = panels(width=6.0, height=3.6)[0, 0]
    few = x.size <= 24
    for (name, values), colour, marker in zip(lines.items(), COLOURS, _MARKERS, strict=False):
        ax.plot(x, values, color=colour, marker=marker if few else None, markersize=4, label=name)
    _references(ax, hlines=hlines, vlines=vlines)
    ax.set(xscale=xscale, yscale=yscale)
    if xscale == "log" and x.size <= 8:
        ax.set_xticks(x, labels=[f"{value:g}" for value in x])
        ax.xaxis.set_minor_locator(NullLocator())
    elif np.array_equal(x, x.round()):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.grid(alpha=0.3)
    if len(ax.get_lines()) > 1:
        ax.legend(fontsize=9)
    return finish(ax, title=title, xlabel=xlabel, ylabel=ylabel)


def plot_scatter(
    series: Mapping[str, object],
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    limits: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw points in the plane, one colour and marker for each entry of ``series``.

    Args:
        series: name in the legend -> ``(N, 2)`` points; sizes may differ.
        limits: both ends of both axes; what the points need by default.
    """
    check_figure(ax, title=title, xlabel=xlabel, ylabel=ylabel)
    points = _checked_series(series, 2)
    for name, values in points.items():
        if values.shape[1] != 2:
            raise ValueError(f"series[{shown(name)}] must have shape (N, 2), got {values.shape}")
    if limits is not None:
        limits = as_limits("limits", limits)
        if limits[0] == limits[1]:
            raise ValueError(f"limits must differ, got {shown(limits)}")
    if ax is None:
        ax = panels(width=4.6, height=4.4)[0, 0]
    for (name, values), colour, marker in zip(points.items(), COLOURS, _MARKERS, strict=False):
        ax.scatter(*values.T, s=9, color=colour, marker=marker, alpha=0.5, linewidths=0, label=name)
    if limits is not None:
        ax.set(xlim=limits, ylim=limits)
    ax.set_aspect("equal")
    ax.grid(alpha=0.3)
    if len(points) > 1:
        ax.legend(fontsize=9, loc="upper right")
    return finish(ax, title=title, xlabel=xlabel, ylabel=ylabel)


def plot_bars(
    labels: Sequence[str],
    values: object,
    *,
    title: str,
    xlabel: str,
    ylabel: str = "",
    digits: int = 3,
    vlines: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one horizontal bar for each label, from the top down, with its number at the end.

    Args:
        labels: the ``N`` names.
        values: ``(N,)``.
        digits: decimals of the numbers, at most 17.
        vlines: name in the legend -> place of a grey reference line.
    """
    check_figure(ax, title=title, xlabel=xlabel, ylabel=ylabel)
    values = as_array("values", values, 1)
    labels = as_labels("labels", labels, values.size)
    if check_int("digits", digits, minimum=0) > _MOST_DIGITS:
        raise ValueError(f"digits must be at most {_MOST_DIGITS}, got {digits}")
    vlines = _checked_references("vlines", vlines)
    if ax is None:
        height = 0.38 * (values.size + bool(vlines)) + 1.0
        if height >= MOST_INCHES:
            raise ValueError(f"values must be few enough for one figure, got {values.size}")
        ax = panels(width=6.0, height=height)[0, 0]
    bars = ax.barh(range(values.size), values, color=COLOURS[0], height=0.7)
    ax.bar_label(bars, fmt=f"%.{digits}f", padding=4, fontsize=9)
    label_ticks(ax, "y", labels)
    ax.set_ylim(values.size - 0.4, -1.5 if vlines else -0.6)  # a free row for the legend
    ax.margins(x=0.14)
    ax.grid(axis="x", alpha=0.3)
    ax.set_axisbelow(True)
    _references(ax, hlines={}, vlines=vlines)
    if vlines:
        ax.legend(fontsize=9, loc="upper right", ncols=3)
    return finish(ax, title=title, xlabel=xlabel, ylabel=ylabel)


def plot_histogram(
    series: Mapping[str, object],
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    bins: int | Sequence[float] = 40,
    vlines: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often values fall into each bin, one outline for each entry of ``series``.

    Args:
        series: name in the legend -> ``(N,)`` values; sizes may differ, the bins are shared.
        bins: how many bins of equal width, at most 1,000, or their edges; values outside the edges
            are left out.
        vlines: name in the legend -> place of a grey reference line.
    """
    check_figure(ax, title=title, xlabel=xlabel, ylabel=ylabel)
    samples = _checked_series(series, 1)
    edges = _checked_bins(np.concatenate(list(samples.values())), bins)
    vlines = _checked_references("vlines", vlines)
    if ax is None:
        ax = panels(width=6.0, height=3.4)[0, 0]
    for (name, values), colour in zip(samples.items(), COLOURS, strict=False):
        counts, _ = np.histogram(values, edges)
        ax.stairs(counts, edges, fill=True, color=colour, alpha=0.25)
        ax.stairs(counts, edges, color=colour, linewidth=1.6, label=name)
    ax.set_ylim(bottom=0)
    _references(ax, hlines={}, vlines=vlines)
    if len(samples) > 1 or vlines:
        ax.legend(fontsize=9)
    return finish(ax, title=title, xlabel=xlabel, ylabel=ylabel)
