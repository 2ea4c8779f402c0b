"""The rules that every notebook of the course keeps.

Each rule is a function from a notebook (as nbformat reads it) to a list of complaints, one line
each; an empty list means that the notebook keeps the rule. The functions look at stored notebooks
only and execute nothing.
"""

import html
import re
from collections.abc import Callable, Iterator

from course.checking.tolerance import tolerance_of
from course.notebook import title_of
from course.pages import formula_to_mathml, formulas_in
from course.places import ROOT
from course.rules.pictures import is_picture, names_read, names_used, states_value, tools
from course.rules.tags import DECLARED

LABELS = ("**Objectives**", "**Before you start**", "**Time**")
LAST_SECTIONS = ["Summary", "Exercises", "Sources"]
EXEMPT_TAGS = {"nbval-ignore-output", "nbval-skip"}
KNOWN_TAGS = EXEMPT_TAGS | {"raises-exception"}
WIDGETS = "application/vnd.jupyter.widget-view+json"
MACHINE_PATH = re.compile(
    r"(?<![\w.])/(?:home|root|tmp|Users|private|var|opt)/\w|\b[A-Za-z]:\\+Users\b"
)

COLOUR = re.compile(r"\x1b\[[\d;]*m")
FRAME = re.compile(r"File (helpers/[\w/]+\.py):(\d+), in ")
QUOTED = re.compile(r"^(?:-+>)? *(\d+)(?: (.*))?$", re.MULTILINE)


def _place(index: int, cell: dict) -> str:
    return f"cell {index + 1} (id {cell.get('id', 'none')!r})"


def _cells(notebook: dict, kind: str) -> Iterator[tuple[str, dict]]:
    for index, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == kind:
            yield _place(index, cell), cell


def _tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def _outputs(cell: dict, kind: str) -> list[dict]:
    return [output for output in cell["outputs"] if output["output_type"] == kind]


def _is_exempt(cell: dict) -> bool:
    return bool(EXEMPT_TAGS & set(_tags(cell)))


def _compared_texts(cell: dict) -> list[str]:
    """Return the texts of a code cell that nbval compares and that say something."""
    if _is_exempt(cell) or cell["execution_count"] is None:
        return []
    texts = []
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            texts.append(output["text"])
        elif output["output_type"] == "error":
            texts.append(output["ename"])
        elif WIDGETS not in output["data"]:
            texts += [text for kind, text in output["data"].items() if kind.startswith("text/")]
    # A figure's own text gives its size, which says nothing about what it draws.
    return [text for text in texts if text.strip() and not text.startswith("<Figure size")]


def headings(source: str) -> list[tuple[int, str]]:
    """Return level and text of the headings in a Markdown source, code fences left out."""
    found, fence = [], ""
    for line in source.splitlines():
        mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        elif not fence and (match := re.match(r" {0,3}(#{1,6})\s+(.*?)[\s#]*$", line)):
            found.append((len(match[1]), match[2]))
    return found


def _all_headings(notebook: dict) -> list[tuple[int, str, str]]:
    return [
        (level, text, place)
        for place, cell in _cells(notebook, "markdown")
        for level, text in headings(cell["source"])
    ]


def executed_in_order(notebook: dict) -> list[str]:
    """All code cells are executed, and their counts run from 1 to N."""
    return [
        f"{place} has the execution count {cell['execution_count']}, expected {expected}"
        for expected, (place, cell) in enumerate(_cells(notebook, "code"), start=1)
        if cell["execution_count"] != expected
    ]


def nothing_on_stderr(notebook: dict) -> list[str]:
    """No cell writes to stderr: no warnings, no progress bars."""
    return [
        f"{place} wrote to stderr: {output['text'][:80]!r}"
        for place, cell in _cells(notebook, "code")
        for output in _outputs(cell, "stream")
        if output["name"] == "stderr"
    ]


def errors_only_where_tagged(notebook: dict) -> list[str]:
    """A cell ends in an error exactly when it is tagged ``raises-exception``."""
    complaints = []
    for place, cell in _cells(notebook, "code"):
        errors, tagged = _outputs(cell, "error"), "raises-exception" in _tags(cell)
        if errors and not tagged:
            complaints.append(f"{place} raised {errors[0]['ename']} without the tag")
        elif tagged and not errors:
            complaints.append(f"{place} is tagged raises-exception and raised nothing")
    return complaints


def tracebacks_quote_the_helpers(notebook: dict) -> list[str]:
    """What an error's traceback quotes of a helper stands there, on the lines that it names."""
    return [
        f"{place} quotes {path}:{number} as {line!r}: run `make regenerate`"
        for place, cell in _cells(notebook, "code")
        for output in _outputs(cell, "error")
        for path, number, line in _quoted_lines(output["traceback"])
        if line not in _quotations(path, number)
    ]


def _quoted_lines(traceback: list[str]) -> Iterator[tuple[str, int, str]]:
    """Yield file, number and text of every line of a helper that a traceback quotes."""
    for text in (COLOUR.sub("", part) for part in traceback):
        if frame := FRAME.match(text):
            for number, line in QUOTED.findall(text):
                yield frame[1], int(number), line.strip()


def _quotations(path: str, number: int) -> set[str]:
    """Return how a line of a file of the course is quoted: a comment at its end may be left out."""
    lines = (ROOT / path).read_text("utf-8").splitlines() if (ROOT / path).exists() else []
    line = "".join(lines[number - 1 : number]).strip()
    return {line, line.split("  # ")[0]} if number <= len(lines) else set()


def kernel_is_python3(notebook: dict) -> list[str]:
    """The kernel is ``python3``, and the reader's version of Python is not stored."""
    name = notebook["metadata"].get("kernelspec", {}).get("name")
    complaints = [] if name == "python3" else [f"the kernel is {name!r}, expected 'python3'"]
    if "version" in notebook["metadata"].get("language_info", {}):
        complaints.append("a version of Python is stored: run `make regenerate`")
    return complaints


def cells_have_readable_ids(notebook: dict) -> list[str]:
    """Every cell has an id of its own, in words: ``scaled-dot-product``."""
    complaints, seen = [], set()
    for index, cell in enumerate(notebook["cells"]):
        name = cell.get("id", "")
        # A generated id is eight hexadecimal digits, or a long random one.
        words = re.fullmatch(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", name)
        if not words or re.fullmatch(r"(?=.*\d)[0-9a-f]{8}|[0-9a-f-]{32,}", name):
            complaints.append(f"{_place(index, cell)}: the id is not made of words in lower case")
        if name in seen:
            complaints.append(f"{_place(index, cell)}: the id is taken by an earlier cell")
        seen.add(name)
    return complaints


def opens_with_title(notebook: dict) -> list[str]:
    """The first cell holds the one title, the objectives, what to know before, and the minutes."""
    titles = [(text, place) for level, text, place in _all_headings(notebook) if level == 1]
    complaints = [f"{place}: a second title, {text!r}" for text, place in titles[1:]]
    first = notebook["cells"][0] if notebook["cells"] else None
    if first is None or first["cell_type"] != "markdown":
        return [*complaints, "the first cell is not Markdown"]
    if headings(first["source"])[:1] != [(1, titles[0][0] if titles else "")]:
        complaints.append("the first cell does not begin with a title (# ...)")
    complaints += [
        f"the first cell lacks {label}" for label in LABELS if label not in first["source"]
    ]
    time = first["source"].partition("**Time**")[2].split("\n\n")[0]
    if LABELS[2] in first["source"] and not re.search(r"\d+(?:\.\d+)?\s+minutes?\b", time):
        complaints.append("**Time** in the first cell is not followed by a number of minutes")
    return complaints


def closes_with_sections(notebook: dict) -> list[str]:
    """The last sections are Summary, Exercises and Sources."""
    sections = [text for level, text, _ in _all_headings(notebook) if level == 2]
    if sections[-3:] == LAST_SECTIONS:
        return []
    return [f"the last sections are {sections[-3:]}, expected {LAST_SECTIONS}"]


def headings_nest(notebook: dict) -> list[str]:
    """No heading is more than one level below the one before it."""
    complaints, before = [], 0
    for level, text, place in _all_headings(notebook):
        if level > before + 1:
            complaints.append(f"{place}: {text!r} is of level {level}, after level {before}")
        before = level
    return complaints


def exempt_cells_are_followed_by_a_check(notebook: dict) -> list[str]:
    """A cell whose output is not compared is followed by a code cell whose output is."""
    code = list(_cells(notebook, "code"))
    followers = [cell for _, cell in code[1:]] + [None]
    return [
        f"{place} is not compared, and the next code cell has no output that is"
        for (place, cell), after in zip(code, followers, strict=True)
        if _is_exempt(cell) and (after is None or not _compared_texts(after))
    ]


def _draws(cell: dict) -> bool:
    return any(map(is_picture, cell["outputs"]))


def _states_value(cell: dict) -> bool:
    beside = {**cell, "outputs": [out for out in cell["outputs"] if not is_picture(out)]}
    return states_value(_compared_texts(beside), cell["source"])


def figures_have_facts(notebook: dict) -> list[str]:
    """Beside a picture, which nbval cannot see, stands a compared value of what it draws.

    The cell prints it itself, or the very next code cell does: one that reads data of this cell,
    and draws nothing, for what is printed beside a picture is about that picture.
    """
    code = list(_cells(notebook, "code"))
    no_data = tools(cell["source"] for _, cell in code)

    def is_told_by(after: dict | None, cell: dict) -> bool:
        if after is None or _draws(after) or not _states_value(after):
            return False
        return bool((names_used(cell["source"]) & names_read(after["source"])) - no_data)

    followers = [cell for _, cell in code[1:]] + [None]
    return [
        f"{place} draws a picture, and no value of what it draws is compared: print one there, or "
        "from its data in the very next code cell, if that draws nothing"
        for (place, cell), after in zip(code, followers, strict=True)
        if _draws(cell) and not _states_value(cell) and not is_told_by(after, cell)
    ]


def code_is_introduced(notebook: dict) -> list[str]:
    """Markdown stands before every code cell, and no code cell is empty."""
    complaints, before = [], ""
    for index, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code" and before != "markdown":
            complaints.append(f"{_place(index, cell)}: no Markdown stands before this code")
        if not cell["source"].strip():
            complaints.append(f"{_place(index, cell)} is empty")
        before = cell["cell_type"]
    return complaints


def missing_helpers_are_explained(notebook: dict) -> list[str]:
    """Before the first code that imports `helpers` stands what to do where it is not found."""
    words = ""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            words = cell["source"]
        elif re.search(r"^(?:from|import) helpers\b", cell["source"], re.MULTILINE):
            explained = "No module named 'helpers'" in words
            return [] if explained else [f"cell {cell['id']!r} imports helpers unexplained"]
    return []


def no_widgets(notebook: dict) -> list[str]:
    """No widget is stored: a page cannot show it, and nbval does not compare it."""
    complaints = [
        f"{place} stored a widget"
        for place, cell in _cells(notebook, "code")
        for output in cell["outputs"]
        if WIDGETS in output.get("data", {})
    ]
    return complaints + (["widget state is stored"] if "widgets" in notebook["metadata"] else [])


def no_machine_paths(notebook: dict) -> list[str]:
    """No output names a folder of the machine it was made on."""
    complaints = []
    for place, cell in _cells(notebook, "code"):
        for output in cell["outputs"]:
            data = output.get("data", {})
            texts = [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", [])]
            texts += [text for kind, text in data.items() if not kind.startswith("image/p")]
            for match in filter(None, map(MACHINE_PATH.search, filter(_is_text, texts))):
                shown = match.string[match.start() : match.start() + 40]
                complaints.append(f"{place} stored a path of a machine: {shown!r}")
    return complaints


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def known_tags_only(notebook: dict) -> list[str]:
    """Tags are known ones, well formed, and the only way to change how a cell is compared."""
    complaints = []
    for index, cell in enumerate(notebook["cells"]):
        place = _place(index, cell)
        for tag in _tags(cell):
            if cell["cell_type"] != "code":
                complaints.append(f"{place}: the tag {tag!r} stands on a cell without code")
            elif tag not in KNOWN_TAGS and not tag.startswith("rtol"):
                complaints.append(f"{place}: the tag {tag!r} is unknown")
        try:
            tolerance_of(_tags(cell))
        except ValueError as error:
            complaints.append(f"{place}: {error}")
        if cell["cell_type"] == "code" and re.search(
            r"^\s*#+\s*(?:NBVAL|PYTEST_VALIDATE)_\w+\s*$", cell["source"], re.MULTILINE
        ):
            complaints.append(f"{place}: nbval is told by a comment; use a tag")
    return complaints


def tags_are_declared(notebook: dict) -> list[str]:
    """The tags that change how a cell is compared are exactly those in ``course.rules.tags``."""
    title = title_of(notebook)
    declared, complaints = dict(DECLARED.get(title, {})), []
    for place, cell in _cells(notebook, "code"):
        found = [tag for tag in _tags(cell) if tag in EXEMPT_TAGS or tag.startswith("rtol")]
        if found != [tag for tag in [declared.pop(cell.get("id", ""), None)] if tag]:
            complaints.append(f"{place} has the tags {found}: course/rules/tags.py says otherwise")
    return complaints + [f"no code cell has the declared id {name!r}" for name in declared]


def formulas_can_be_shown(notebook: dict) -> list[str]:
    """Every formula can be drawn in the pages of ``make run``."""
    complaints = []
    for place, cell in _cells(notebook, "markdown"):
        for formula in formulas_in(cell["source"]):
            try:
                formula_to_mathml(formula)
            except ValueError as error:
                complaints.append(f"{place}: {html.unescape(str(error))}")
    return complaints


RULES: list[Callable[[dict], list[str]]] = [
    executed_in_order,
    nothing_on_stderr,
    errors_only_where_tagged,
    tracebacks_quote_the_helpers,
    kernel_is_python3,
    cells_have_readable_ids,
    opens_with_title,
    closes_with_sections,
    headings_nest,
    exempt_cells_are_followed_by_a_check,
    figures_have_facts,
    code_is_introduced,
    missing_helpers_are_explained,
    no_widgets,
    no_machine_paths,
    known_tags_only,
    tags_are_declared,
    formulas_can_be_shown,
]
