"""What everything public in ``helpers.figures`` may be given: that of the pictures, in full."""

import inspect

from helpers import figures
from tests.helpers.figures.drawn import PICTURES, Call


def in_full(picture: Call) -> dict[str, object]:
    bound = inspect.signature(picture.function).bind(*picture.given, **picture.options)
    bound.apply_defaults()
    return bound.arguments


GIVEN = {
    picture.function.__name__: in_full(picture)
    for name, picture in reversed(PICTURES.items())  # of several for one function, the first
    if name != "panels"
} | {
    "panels": {"rows": 2, "columns": 3, "width": 6.0, "height": 4},
    "finish": {"ax": figures.panels()[0, 0], "title": "a", "xlabel": "right", "ylabel": "up"},
    "TransformerWords": {"inputs": "Inputs", "value": "V"},
}
