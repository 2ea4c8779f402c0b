"""Matrices as grids of colours: attention, positional encodings, confusion matrices.

As in ``plotting``: arrays in, ``Axes`` out, no pyplot, every word an argument.

Dimensions: ``T`` queries or positions, ``S`` keys, ``D`` model width, ``H`` heads, ``C`` classes.
"""

from collections.abc import Collection, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from helpers.contracts import Count, Positive, guard
from helpers.figures.canvas import (
    Limits,
    Values,
    as_array,
    as_labels,
    as_limits,
    dress,
    finish,
    label_ticks,
    panels,
)
from helpers.refusals import refusal

__all__ = [
    "plot_attention",
    "plot_attention_heads",
    "plot_confusion_matrix",
    "plot_heatmap",
    "plot_positional_encoding",
]

_FROM_ZERO = "Blues"  # white at zero, evenly darker above
_AROUND_ZERO = "cividis"  # dark blue below zero, grey at zero, yellow above: in order also in grey


def plot_heatmap(
    values: Values,
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    rows: Collection[str] | None = None,
    columns: Collection[str] | None = None,
    cells: Sequence[Sequence[str]] | None = None,
    limits: Limits | None = None,
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
        colormap: a name that matplotlib knows.
        square: cells of equal width and height; False fills the axes.
        colorbar: the colour bar's label; None draws no colour bar.
    """
    values = as_array("values", values, 2)
    rows = as_labels("rows", rows, values.shape[0])
    columns = as_labels("columns", columns, values.shape[1])
    if cells is not None and np.shape(cells) != values.shape:
        raise refusal("cells", f"have shape {values.shape}", np.shape(cells))
    low, high = (values.min(), values.max()) if limits is None else as_limits("limits", limits)
    if low == high:
        low, high = low - 0.5, high + 0.5
    if ax is None:
        cell = min(0.62, 4.6 / max(values.shape))
        height, width = (max(cell * count, 2.2) + 1.4 for count in values.shape)
        ax = panels(width=width, height=height)[0, 0] if square else panels(height=3.8)[0, 0]
    image = ax.imshow(values, cmap=colormap, norm=Normalize(low, high), interpolation="nearest")
    ax.set_aspect("equal" if square else "auto")
    label_ticks(ax, "y", rows)
    label_ticks(ax, "x", columns)
    width, height = np.divide(ax.get_window_extent().size, values.shape[::-1]) / ax.figure.dpi
    if cells is None and max(values.shape) <= 8 and min(width, height) > 0.36:  # inches
        digits = 0 if np.array_equal(values, values.round()) else 2
        cells = [[f"{value:.{digits}f}" for value in row] for row in values]
    if cells is not None:
        for (row, column), value in np.ndenumerate(values):
            luminance = image.cmap(image.norm(value))[:3] @ np.array([0.299, 0.587, 0.114])
            colour = "white" if luminance < 0.5 else "black"
            ax.text(column, row, cells[row][column], ha="center", va="center", color=colour, size=9)
    if colorbar is not None:
        dress(ax.figure.colorbar(image, ax=ax, shrink=0.9, label=colorbar).ax)
    return finish(ax, title=title, xlabel=xlabel, ylabel=ylabel)


def _weights(weights: Values, rank: Count, vmax: Positive) -> np.ndarray:
    weights = as_array("weights", weights, rank)
    if (wrong := weights[(weights < 0) | (weights > vmax + 1e-6)]).size:
        raise refusal("weights", f"lie in 0..{vmax:g}, as after a softmax", wrong[0])
    return weights


def plot_attention(
    weights: Values,
    *,
    queries: Collection[str],
    keys: Collection[str],
    title: str,
    xlabel: str,
    ylabel: str,
    vmax: Positive = 1.0,
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
    weights: Values,
    *,
    queries: Collection[str],
    keys: Collection[str],
    titles: Collection[str],
    xlabel: str,
    ylabel: str,
    vmax: Positive = 1.0,
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
    names = as_labels("titles", titles, heads)
    columns = next((count for count in (4, 3) if heads % count == 0), min(heads, 4))
    rows = -(-heads // columns)
    side = 6.4 / columns
    grid = panels(rows, columns, width=7.0, height=rows * side * 0.86 + 0.9).ravel()
    for index, (ax, head) in enumerate(zip(grid, weights, strict=False)):
        plot_attention(
            head,
            queries=queries,
            keys=keys,
            title=names[index],
            xlabel="" if index + columns < heads else xlabel,
            ylabel="" if index % columns else ylabel,
            vmax=vmax,
            colorbar=None,
            ax=ax,
        )
        ax.tick_params(labelleft=index % columns == 0, labelbottom=index + columns >= heads)
    for ax in grid[heads:]:
        ax.remove()
    bar = grid[0].figure.colorbar(grid[0].images[0], ax=grid[:heads], label=colorbar, shrink=0.8)
    dress(bar.ax)
    return grid[:heads]


def plot_positional_encoding(
    encoding: Values, *, title: str, xlabel: str, ylabel: str, ax: Axes | None = None
) -> Axes:
    """Draw the waves of a positional encoding: positions downward, dimensions to the right.

    Args:
        encoding: ``(T, D)``; grey is zero, and both signs share one scale.
    """
    encoding = as_array("encoding", encoding, 2)
    reach = np.abs(encoding).max() or 0.5
    return plot_heatmap(
        encoding,
        title=title,
        xlabel=xlabel,
        ylabel=ylabel,
        limits=(-reach, reach),
        colormap=_AROUND_ZERO,
        square=False,
        ax=ax,
    )


def plot_confusion_matrix(
    counts: Values,
    *,
    classes: Collection[str],
    title: str,
    xlabel: str,
    ylabel: str,
    colorbar: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often each true class (row) was taken for each class (column).

    A cell holds the count and its share of the row, which is also its colour. Where nothing was
    counted it stays blank.

    Args:
        counts: ``(C, C)`` whole numbers.
        classes: the ``C`` names.
    """
    counts = as_array("counts", counts, 2)
    if counts.shape[0] != counts.shape[1]:
        raise refusal("counts", "be square", counts.shape)
    if (wrong := counts[(counts < 0) | (counts % 1 != 0)]).size:
        raise refusal("counts", "be whole numbers from 0", wrong[0])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cells = [
        [f"{count:.0f}\n{share:.1%}" if count else "" for count, share in zip(*row, strict=True)]
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


guard(globals())
