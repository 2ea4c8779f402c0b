"""How many minutes a lesson takes to read, by a count of what there is to read and to do.

The Markdown in front of the exercises is counted. A hundred words a minute is slow, because the
code and the outputs in between are read too; a formula on a line of its own takes half a minute,
and a prediction, which a reader makes on paper, one.
"""

import re

__all__ = ["minutes_to_read"]

_WORDS, _FORMULAS, _PREDICTIONS = 1 / 100, 1 / 2, 1  # minutes for each
_FORMULA = re.compile(r"\$\$.*?\$\$", re.DOTALL)


def minutes_to_read(notebook: dict) -> float:
    """Return the minutes for a lesson with all its predictions, and without its exercises."""
    texts = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    lesson = re.split(r"^## Exercises$", "\n\n".join(texts), flags=re.MULTILINE)[0]
    prose, formulas = _FORMULA.subn(" ", lesson)
    predictions = len(re.findall(r"\bPredict\b", prose))
    return _WORDS * len(prose.split()) + _FORMULAS * formulas + _PREDICTIONS * predictions
