"""Many small pictures side by side in one figure: digits, filters, feature maps.

As in `helpers.plotting`: arrays in, ``Axes`` out, no pyplot, every word an argument.

Dimensions: ``N`` pictures of ``Y`` rows and ``X`` columns of pixels.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from helpers.canvas import (
    MOST_INCHES,
    as_array,
    as_labels,
    check_figure,
    finish,
    panels,
)
from helpers.checks import check_flag, check_int

__all__ = ["plot_images"]

_INK = "gray_r"  # white at zero, black at one: ink on paper
_SIGNED = "RdBu"  # red below zero, white at zero, blue above


def plot_images(
    images: object,
    *,
    columns: int,
    title: str,
    xlabel: str = "",
    ylabel: str = "",
    captions: Sequence[str] | None = None,
    rows: Sequence[str] | None = None,
    signed: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw pictures in rows from the top left, all on one scale of grey.

    Args:
        images: ``(N, Y, X)`` numbers: 0 is white, the largest is black.
        columns: pictures in a row; the last row may be shorter.
        captions: a few words above each of the ``N`` pictures.
        rows: a label for each row of pictures.
        signed: the numbers may be negative: white is zero, red below, blue above, both signs on
            one scale.

    Raises:
        ValueError: a negative number without ``signed``.
    """
    check_figure(ax, title=title, xlabel=xlabel, ylabel=ylabel)
    images = as_array("images", images, 3)
    count, height, width = images.shape
    columns = min(check_int("columns", columns), count)
    lines = -(-count // columns)
    reach = np.abs(images).max() or 1.0
    if not check_flag("signed", signed) and images.min() < 0:
        raise ValueError(f"images must not be negative without signed=True, got {images.min():g}")
    if captions is not None:
        captions = as_labels("captions", captions, count)
    if rows is not None:
        rows = as_labels("rows", rows, lines)
    if ax is None:
        inch = min(0.75, 7.0 / columns)
        room = inch * (height / width + (0.3 if captions is not None else 0.0))
        if room * lines + 0.6 >= MOST_INCHES:
            raise ValueError(
                f"images must fit in one figure: {lines} rows of {height} x {width} pixels do not"
            )
        ax = panels(width=max(inch * columns, 3.0) + 0.4, height=room * lines + 0.6)[0, 0]
    # Everything is measured in pixels of the pictures: one pixel of air around each, and a line
    # of words above it.
    gap = max(1.0, 0.06 * width)
    words = 0.3 * width if captions is not None else 0.0
    across, down = width + gap, height + gap + words
    norm = Normalize(-reach if signed else 0.0, reach)
    for index, image in enumerate(images):
        left, top = index % columns * across, index // columns * down + words
        ax.imshow(
            image,
            cmap=_SIGNED if signed else _INK,
            norm=norm,
            extent=(left, left + width, top + height, top),
            interpolation="nearest",
        )
        frame = Rectangle((left, top), width, height, fill=False, linewidth=0.4)
        ax.add_patch(frame).set_edgecolor("#999999")
    ax.set_xlim(-gap, columns * across)
    ax.set_ylim(lines * down, -gap)
    ax.set_aspect("equal")
    ax.spines[:].set_visible(False)
    ax.set_xticks([])
    if rows is None:
        ax.set_yticks([])
    else:
        places = [line * down + words + height / 2 for line in range(lines)]
        ax.set_yticks(places, labels=rows)
        ax.tick_params(axis="y", length=0)
        for text in ax.get_yticklabels():
            text.set_parse_math(False)
    if captions is not None:
        for index, caption in enumerate(captions):
            left, top = index % columns * across, index // columns * down + words
            text = ax.text(left + width / 2, top - 0.05 * width, caption, ha="center", va="bottom")
            text.set(fontsize=8, parse_math=False)
    return finish(ax, title=title, xlabel=xlabel, ylabel=ylabel)
