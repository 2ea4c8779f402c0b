"""Matrices as grids of colours: attention, positional encodings, confusion matrices.

As in `helpers.plotting`: arrays in, ``Axes`` out, no pyplot, every word an argument.

Dimensions: ``T`` queries or positions, ``S`` keys, ``D`` model width, ``H`` heads, ``C`` classes.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from helpers.canvas import (
    LARGEST,
    MOST_INCHES,
    as_array,
    as_labels,
    as_limits,
    check_figure,
    check_words,
    dress,
    finish,
    label_ticks,
    panels,
)
from helpers.checks import check_flag, check_in_range, shown

__all__ = [
    "plot_attention",
    "plot_attention_heads",
    "plot_confusion_matrix",
    "plot_heatmap",
    "plot_positional_encoding",
]

_FROM_ZERO = "Blues"  # white at zero, evenly darker above
_AROUND_ZERO = "RdBu"  # orange-red below zero, white at zero, blue above


def _weights(weights: object, rank: int, vmax: float) -> np.ndarray:
    vmax = check_in_range("vmax", vmax, 0, LARGEST)
    if vmax == 0:
        raise ValueError("vmax must be above 0, got 0")
    weights = as_array("weights", weights, rank)
    if weights.min() < 0 or weights.max() > vmax + 1e-6:
        raise ValueError(
            f"weights must lie in 0..{vmax:g}, got {weights.min():.4g}..{weights.max():.4g}; "
            "attention weights come out of a softmax"
        )
    return weights


def _checked_cells(cells: object, rows: int, columns: int) -> list[list[str]]:
    """Return the words of the cells as lists."""
    try:
        table = [list(row) for row in cells if not isinstance(row, str)]
    except TypeError:
        raise TypeError(f"cells must hold rows of words, got {shown(cells)}") from None
    if isinstance(cells, str) or [len(row) for row in table] != [columns] * rows:
        raise ValueError(f"cells must hold words for {rows} x {columns} cells")
    for row in table:
        for words in row:
            check_words(cells=words)
    return table


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
        colormap: a name that matplotlib knows.
        square: cells of equal width and height; False fills the axes.
        colorbar: the colour bar's label; None draws no colour bar.
    """
    check_figure(ax, title=title, xlabel=xlabel, ylabel=ylabel)
    if colorbar is not None:
        check_words(colorbar=colorbar)
    values = as_array("values", values, 2)
    rows = None if rows is None else as_labels("rows", rows, values.shape[0])
    columns = None if columns is None else as_labels("columns", columns, values.shape[1])
    cells = None if cells is None else _checked_cells(cells, *values.shape)
    if not isinstance(colormap, str) or colormap not in colormaps:
        raise ValueError(f"colormap must be a name that matplotlib knows, got {shown(colormap)}")
    check_flag("square", square)
    low, high = (values.min(), values.max()) if limits is None else as_limits("limits", limits)
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
    for side, labels in (("y", rows), ("x", columns)):
        if labels is None:
            ax.locator_params(axis=side, nbins=8, integer=True, min_n_ticks=1)
        else:
            label_ticks(ax, side, labels)
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
    check_words(xlabel=xlabel, ylabel=ylabel, colorbar=colorbar)
    weights = _weights(weights, 3, vmax)
    heads = weights.shape[0]
    titles = as_labels("titles", titles, heads)
    check_words(**{f"titles[{index}]": title for index, title in enumerate(titles)})
    queries = as_labels("queries", queries, weights.shape[1])
    keys = as_labels("keys", keys, weights.shape[2])
    columns = next((count for count in (4, 3) if heads % count == 0), min(heads, 4))
    rows = -(-heads // columns)
    side = 6.4 / columns
    height = rows * side * 0.86 + 0.9
    if height >= MOST_INCHES:
        raise ValueError(f"weights must be of few enough heads for one figure, got {heads}")
    grid = panels(rows, columns, width=7.0, height=height).ravel()
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
        counts: ``(C, C)`` whole numbers from 0 to 2**53.
        classes: the ``C`` names.
    """
    counts = as_array("counts", counts, 2)
    if counts.shape[0] != counts.shape[1]:
        raise ValueError(f"counts must be square, got shape {counts.shape}")
    if counts.min() < 0 or counts.max() > 2**53 or not np.array_equal(counts, counts.round()):
        raise ValueError("counts must be whole numbers from 0 to 2**53")
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
