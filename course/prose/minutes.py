"""How many minutes a lesson takes to read, by a count of what there is to read and to do.

The Markdown in front of the exercises is counted. A hundred and ten words a minute is slow, because
the code and the outputs in between are read too; a formula on a line of its own takes half a
minute. A cell that asks for something, by a question mark or the word "Predict", takes one more:
the reader works it out on paper before running the next cell.
"""

import re

__all__ = ["minutes_to_read"]

_WORDS, _FORMULAS, _QUESTIONS = 1 / 110, 1 / 2, 1  # minutes for each
_FORMULA = re.compile(r"\$\$.*?\$\$", re.DOTALL)
_ASKS = re.compile(r"\?|\bPredict\b")


def minutes_to_read(notebook: dict) -> float:
    """Return the minutes for a lesson with all its questions, and without its exercises."""
    minutes = 0.0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            if re.search(r"^## Exercises$", cell["source"], re.MULTILINE):
                break
            prose, formulas = _FORMULA.subn(" ", cell["source"])
            minutes += _WORDS * len(prose.split()) + _FORMULAS * formulas
            minutes += _QUESTIONS * bool(_ASKS.search(prose))
    return minutes
