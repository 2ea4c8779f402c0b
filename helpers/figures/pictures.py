"""Many small pictures side by side in one figure: digits, filters, feature maps.

As in ``plotting``: arrays in, ``Axes`` out, no pyplot, every word an argument.

Dimensions: ``N`` pictures of ``Y`` rows and ``X`` columns of pixels.
"""

from collections.abc import Collection

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from helpers.contracts import Size, guard
from helpers.figures.canvas import Values, as_array, as_labels, dress, finish, panels
from helpers.refusals import refusal

__all__ = ["plot_images"]

_INK = "gray_r"  # white at zero, black at one: ink on paper
_SIGNED = "cividis"  # dark blue below zero, grey at zero, yellow above: in order also in grey


def plot_images(
    images: Values,
    *,
    columns: Size,
    title: str,
    xlabel: str = "",
    ylabel: str = "",
    captions: Collection[str] | None = None,
    rows: Collection[str] | None = None,
    signed: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw pictures in rows from the top left, all on one scale of grey.

    Args:
        images: ``(N, Y, X)`` numbers: 0 is white, the largest is black.
        columns: pictures in a row; the last row may be shorter.
        captions: a few words above each of the ``N`` pictures.
        rows: a label for each row of pictures.
        signed: the numbers may be negative: grey is zero, dark blue below, yellow above, both signs
            on one scale, which a colour bar shows.
    """
    images = as_array("images", images, 3)
    count, height, width = images.shape
    columns = min(columns, count)
    lines = -(-count // columns)
    reach = np.abs(images).max() or 1.0
    if not signed and images.min() < 0:
        raise refusal("images", "not be negative without signed=True", images.min())
    above, names = as_labels("captions", captions, count), as_labels("rows", rows, lines)
    if ax is None:
        inch = min(0.75, 7.0 / columns)
        room = inch * (height / width + (0.3 if above else 0.0))
        ax = panels(width=max(inch * columns, 3.0) + 0.4 + signed, height=room * lines + 0.6)[0, 0]
    # Everything is measured in pixels of the pictures: one pixel of air around each, and a line
    # of words above it.
    gap = max(1.0, 0.06 * width)
    words = 0.3 * width if above else 0.0
    across, down = width + gap, height + gap + words
    norm, colormap = Normalize(-reach if signed else 0.0, reach), _SIGNED if signed else _INK
    for index, image in enumerate(images):
        left, top = index % columns * across, index // columns * down + words
        extent = (left, left + width, top + height, top)
        ax.imshow(image, cmap=colormap, norm=norm, extent=extent, interpolation="nearest")
        frame = Rectangle((left, top), width, height, fill=False, linewidth=0.4)
        ax.add_patch(frame).set_edgecolor("#999999")
        if above:
            text = ax.text(left + width / 2, top - 0.05 * width, above[index], fontsize=8)
            text.set(ha="center", va="bottom", parse_math=False)
    ax.set(xlim=(-gap, columns * across), ylim=(lines * down, -gap), aspect="equal")
    ax.spines[:].set_visible(False)
    places = [line * down + words + height / 2 for line in range(lines)] if names else []
    ax.set(xticks=[], yticks=places, yticklabels=names or [])
    ax.tick_params(axis="y", length=0)
    for text in ax.get_yticklabels():
        text.set_parse_math(False)
    if signed:
        dress(ax.figure.colorbar(ScalarMappable(norm, colormap), ax=ax, shrink=0.8, aspect=16).ax)
    return finish(ax, title=title, xlabel=xlabel, ylabel=ylabel)


guard(globals())
