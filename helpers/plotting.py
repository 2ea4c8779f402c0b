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

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator, NullLocator

from helpers.canvas import as_array, as_labels, dress, finish, panels

__all__ = [
    "COLOURS",
    "plot_attention",
    "plot_attention_heads",
    "plot_bars",
    "plot_confusion_matrix",
    "plot_heatmap",
    "plot_histogram",
    "plot_lines",
    "plot_positional_encoding",
]

# Okabe and Ito's palette, told apart with any kind of colour vision; yellow is left out (too pale).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_MARKERS = "osD^vPX"
_FROM_ZERO = "Blues"  # white at zero, evenly darker above
_AROUND_ZERO = "RdBu"  # orange-red below zero, white at zero, blue above


def _weights(weights: object, rank: int, vmax: float) -> np.ndarray:
    weights = as_array("weights", weights, rank)
    if weights.min() < 0 or weights.max() > vmax + 1e-6:
        raise ValueError(
            f"weights must lie in 0..{vmax:g}, got {weights.min():.4g}..{weights.max():.4g}; "
            "attention weights come out of a softmax"
        )
    return weights


def _label_ticks(ax: Axes, side: str, labels: list[str]) -> None:
    """Put one label at each index of the x or y axis, verbatim, smaller when there are many."""
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


def _references(
    ax: Axes,
    *,
    hlines: Mapping[str, float] | None = None,
    vlines: Mapping[str, float] | None = None,
) -> None:
    """Draw grey reference lines, each with a pattern of its own, named in the legend."""
    patterns = cycle(("--", ":", "-."))
    style = {"color": "#555555", "linewidth": 1.4}
    for label, height in (hlines or {}).items():
        ax.axhline(height, linestyle=next(patterns), label=label, **style)
    for label, place in (vlines or {}).items():
        ax.axvline(place, linestyle=next(patterns), label=label, **style)


def plot_heatmap(
    values: object,
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    rows: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    cells: Sequence[Sequence[str]] | None = None,
    limits: tuple[float, float] | None = None,
    colormap: str = _FROM_ZERO,
    square: bool = True,
    colorbar: str | None = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw a matrix as a grid of colours, with its numbers in the cells when they are few and fit.

    Args:
        values: ``(T, S)`` numbers or booleans (a mask is drawn as 0 and 1).
        rows, columns: a label for each row and column; without them the indices are counted.
        cells: ``(T, S)`` words for the cells, instead of the numbers.
        limits: the values at both ends of the colour scale; the smallest and largest by default.
        square: cells of equal width and height; False fills the axes.
        colorbar: the colour bar's label; None draws no colour bar.
    """
    values = as_array("values", values, 2)
    if cells is not None and [len(row) for row in cells] != [values.shape[1]] * values.shape[0]:
        raise ValueError(f"cells must hold words for {values.shape[0]} x {values.shape[1]} cells")
    low, high = limits or (values.min(), values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    if ax is None:
        cell = min(0.62, 4.6 / max(values.shape))
        height, width = (max(cell * count, 2.2) + 1.4 for count in values.shape)
        ax = panels(width=width, height=height)[0, 0] if square else panels(height=3.8)[0, 0]
    image = ax.imshow(
        values,
        cmap=colormap,
        norm=Normalize(low, high),
        aspect="equal" if square else "auto",
        interpolation="nearest",
    )
    for side, name, labels, count in (
        ("y", "rows", rows, values.shape[0]),
        ("x", "columns", columns, values.shape[1]),
    ):
        if labels is None:
            ax.locator_params(axis=side, nbins=8, integer=True, min_n_ticks=1)
        else:
            _label_ticks(ax, side, as_labels(name, labels, count))
    room = np.min(ax.get_window_extent().size / values.shape[::-1]) / ax.figure.dpi  # inches a cell
    if cells is None and max(values.shape) <= 8 and room > 0.36:
        digits = 0 if np.array_equal(values, values.round()) else 2
        cells = [[f"{value:.{digits}f}" for value in row] for row in values]
    if cells is not None:
        for (row, column), value in np.ndenumerate(values):
            luminance = image.cmap(image.norm(value))[:3] @ np.array([0.299, 0.587, 0.114])
            colour = "white" if luminance < 0.5 else "black"
            ax.text(column, row, cells[row][column], ha="center", va="center", color=colour, size=9)
    if colorbar is not None:
        bar = ax.figure.colorbar(image, ax=ax, shrink=0.9, label=colorbar)
        dress(bar.ax)
    return finish(ax, title=title, xlabel=xlabel, ylabel=ylabel)


def plot_attention(
    weights: object,
    *,
    queries: Sequence[str],
    keys: Sequence[str],
    title: str,
    xlabel: str,
    ylabel: str,
    vmax: float = 1.0,
    colorbar: str | None = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw attention weights: a row for each query, a column for each key.

    Args:
        weights: ``(T, S)``, from 0 to ``vmax``.
        queries, keys: the ``T`` and ``S`` tokens.
        vmax: the weight at the upper end of the colours. 1, the default, makes figures comparable;
            a smaller one shows more where the attention is spread over many keys.
        colorbar: the colour bar's label; None draws no colour bar.
    """
    weights = _weights(weights, 2, vmax)
    return plot_heatmap(
        weights,
        title=title,
        xlabel=xlabel,
        ylabel=ylabel,
        rows=as_labels("queries", queries, weights.shape[0]),
        columns=as_labels("keys", keys, weights.shape[1]),
        limits=(0.0, vmax),
        colorbar=colorbar,
        ax=ax,
    )


def plot_attention_heads(
    weights: object,
    *,
    queries: Sequence[str],
    keys: Sequence[str],
    titles: Sequence[str],
    xlabel: str,
    ylabel: str,
    vmax: float = 1.0,
    colorbar: str = "",
) -> np.ndarray:
    """Draw the attention of several heads (or layers) side by side in a new figure.

    Args:
        weights: ``(H, T, S)``; the rest as in `plot_attention`, with a title for each head.

    Returns:
        An array of ``H`` Axes, at most four in a row.
    """
    weights = _weights(weights, 3, vmax)
    heads = weights.shape[0]
    titles = as_labels("titles", titles, heads)
    columns = next((count for count in (4, 3) if heads % count == 0), min(heads, 4))
    rows = -(-heads // columns)
    side = 6.4 / columns
    grid = panels(rows, columns, width=7.0, height=rows * side * 0.86 + 0.9).ravel()
    for index, (ax, head) in enumerate(zip(grid, weights, strict=False)):
        plot_attention(
            head,
            queries=queries,
            keys=keys,
            title=titles[index],
            xlabel=xlabel,
            ylabel=ylabel,
            vmax=vmax,
            colorbar=None,
            ax=ax,
        )
        if index % columns:
            ax.set_ylabel("")
            ax.tick_params(labelleft=False)
        if index + columns < heads:
            ax.set_xlabel("")
            ax.tick_params(labelbottom=False)
    for ax in grid[heads:]:
        ax.remove()
    bar = grid[0].figure.colorbar(grid[0].images[0], ax=grid[:heads], label=colorbar, shrink=0.8)
    dress(bar.ax)
    return grid[:heads]


def plot_positional_encoding(
    encoding: object,
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    colorbar: str | None = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the waves of a positional encoding: positions downward, dimensions to the right.

    Args:
        encoding: ``(T, D)``; white is zero, and both signs share one scale.
        colorbar: the colour bar's label; None draws no colour bar.
    """
    encoding = as_array("encoding", encoding, 2)
    reach = np.abs(encoding).max()
    return plot_heatmap(
        encoding,
        title=title,
        xlabel=xlabel,
        ylabel=ylabel,
        limits=(-reach, reach),
        colormap=_AROUND_ZERO,
        square=False,
        colorbar=colorbar,
        ax=ax,
    )


def plot_confusion_matrix(
    counts: object,
    *,
    classes: Sequence[str],
    title: str,
    xlabel: str,
    ylabel: str,
    colorbar: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often each true class (row) was taken for each class (column).

    A cell holds the count and its share of the row, which is also its colour.

    Args:
        counts: ``(C, C)`` whole numbers from 0 upward.
        classes: the ``C`` names.
    """
    counts = as_array("counts", counts, 2)
    if counts.shape[0] != counts.shape[1]:
        raise ValueError(f"counts must be square, got shape {counts.shape}")
    if counts.min() < 0 or not np.array_equal(counts, counts.round()):
        raise ValueError("counts must be whole numbers from 0 upward")
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    cells = [
        [f"{count:.0f}\n{share:.1%}" for count, share in zip(*row, strict=True)]
        for row in zip(counts, shares, strict=True)
    ]
    names = as_labels("classes", classes, len(counts))
    return plot_heatmap(
        shares,
        title=title,
        xlabel=xlabel,
        ylabel=ylabel,
        rows=names,
        columns=names,
        cells=cells,
        limits=(0.0, 1.0),
        colorbar=colorbar,
        ax=ax,
    )


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
    x = as_array("x", x, 1)
    if not 0 < len(series) <= len(COLOURS):
        raise ValueError(f"series must hold 1 to {len(COLOURS)} lines, got {len(series)}")
    lines = {name: as_array(f"series[{name!r}]", values, 1) for name, values in series.items()}
    for name, values in lines.items():
        if values.size != x.size:
            raise ValueError(
                f"series[{name!r}] must hold {x.size} values like x, got {values.size}"
            )
    drawn = {"x": [x], "series": list(lines.values())}
    for key, scale, name in (("xscale", xscale, "x"), ("yscale", yscale, "series")):
        if scale not in ("linear", "log"):
            raise ValueError(f'{key} must be "linear" or "log", got {scale!r}')
        lowest = min(values.min() for values in drawn[name])
        if scale == "log" and lowest <= 0:
            raise ValueError(f'{key}="log" needs {name} above 0, got {lowest:g}')
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
        digits: decimals of the numbers.
        vlines: name in the legend -> place of a grey reference line.
    """
    values = as_array("values", values, 1)
    labels = as_labels("labels", labels, values.size)
    if ax is None:
        ax = panels(width=6.0, height=0.38 * (values.size + bool(vlines)) + 1.0)[0, 0]
    bars = ax.barh(range(values.size), values, color=COLOURS[0], height=0.7)
    ax.bar_label(bars, fmt=f"%.{digits}f", padding=4, fontsize=9)
    _label_ticks(ax, "y", labels)
    ax.set_ylim(values.size - 0.4, -1.5 if vlines else -0.6)  # a free row for the legend
    ax.margins(x=0.14)
    ax.grid(axis="x", alpha=0.3)
    ax.set_axisbelow(True)
    _references(ax, vlines=vlines)
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
        bins: how many bins of equal width, or their edges; values outside the edges are left out.
        vlines: name in the legend -> place of a grey reference line.
    """
    if not 0 < len(series) <= len(COLOURS):
        raise ValueError(f"series must hold 1 to {len(COLOURS)} entries, got {len(series)}")
    samples = {name: as_array(f"series[{name!r}]", values, 1) for name, values in series.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(samples.values())), bins)
    if ax is None:
        ax = panels(width=6.0, height=3.4)[0, 0]
    for (name, values), colour in zip(samples.items(), COLOURS, strict=False):
        counts, _ = np.histogram(values, edges)
        ax.stairs(counts, edges, fill=True, color=colour, alpha=0.25)
        ax.stairs(counts, edges, color=colour, linewidth=1.6, label=name)
    ax.set_ylim(bottom=0)
    _references(ax, vlines=vlines)
    if len(samples) > 1 or vlines:
        ax.legend(fontsize=9)
    return finish(ax, title=title, xlabel=xlabel, ylabel=ylabel)
