"""pytest plugin of `make audit`: does the comparison of the notebooks bite?

Every cell is executed once, and what its kernel sent is kept. Then each of its `alterations` is put
through the same machinery that CI uses, with the kept messages in the place of a kernel: nbval's
collection and comparison, the tolerance of ``plugin``, and the rules of ``course.rules`` on
the whole altered notebook. A cell with an alteration that none of them refuses fails. So does one
that is refused unaltered, since a comparison that refuses everything proves nothing.
"""

import copy
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import pytest

from course.checking.alterations import KINDS, Alteration, alterations
from course.checking.plugin import Item
from course.checking.table import compared_in, write_table
from course.rules.structure import RULES

TRIED, CAUGHT = "alterations tried", "alterations caught"


class Recorder:
    """A kernel that keeps what it sends, by the message that asked for it."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.sent: list[dict] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self.kernel, name)

    def get_message(self, stream: str, timeout: float | None = None) -> dict:
        message = self.kernel.get_message(stream, timeout=timeout)
        self.sent.append(message)
        return message


class Replay:
    """What nbval asks of a kernel, answered with the messages of an earlier run of one cell."""

    def __init__(self, sent: list[dict]) -> None:
        done = [message for message in sent if message["msg_type"] == "status"][-1]
        self.msg_id = done["parent_header"]["msg_id"]
        self.waiting = copy.deepcopy(sent)

    def is_alive(self) -> bool:
        return True

    def execute_cell_input(self, source: str, allow_stdin: bool | None = None) -> str:
        return self.msg_id

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        pass

    def await_idle(self, msg_id: str, timeout: float) -> None:
        pass

    def get_message(self, stream: str, timeout: float | None = None) -> dict:
        if not self.waiting:
            raise Empty
        return self.waiting.pop(0)


def refused_by_nbval(item: Item, cell: dict, sent: list[dict], folder: Path) -> bool:
    """Tell whether a cell, put into a notebook of its own, fails when its run is replayed."""
    from nbval.plugin import NbCellError  # here, because pytest wants to load nbval itself first

    path = folder / "altered.ipynb"
    metadata = item.parent.nb.metadata
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=metadata), path)
    file = type(item.parent).from_parent(item.session, path=path)
    file.kernel = Replay(sent)
    [altered] = item.session.genitems(file)
    try:
        altered.runtest()
    except NbCellError:
        return True
    except pytest.skip.Exception:
        pass
    return False


def broken_rules(item: Item, cell: dict) -> list[str]:
    """Return the rules that a notebook with this cell in the place of the stored one breaks."""
    cells = [cell if old["id"] == cell["id"] else old for old in item.parent.nb.cells]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=item.parent.nb.metadata)
    return [rule.__name__ for rule in RULES if rule(notebook)]


def audit(item: Item, sent: list[dict]) -> Iterator[tuple[Alteration, bool]]:
    """Yield every alteration of a cell that passed, and whether it was caught."""
    cell = copy.deepcopy(item.cell)
    with tempfile.TemporaryDirectory() as folder:
        if refused_by_nbval(item, cell, sent, Path(folder)):
            item.raise_cell_error("the unaltered cell is refused when its run is replayed")
        if broken := broken_rules(item, cell):
            item.raise_cell_error(f"the unaltered notebook breaks {', '.join(broken)}")
        if item.options["check"]:
            cell["outputs"] = _as_printed(cell["outputs"], item.test_outputs)
        for alteration in alterations(cell):
            caught = refused_by_nbval(item, alteration.cell, sent, Path(folder))
            yield alteration, caught or bool(broken_rules(item, alteration.cell))


def _as_printed(stored: list[dict], now: list[dict]) -> list[dict]:
    """Return the stored outputs with the texts of this run, which may differ within a tolerance."""
    printed = copy.deepcopy(stored)
    for output, new in zip(printed, now, strict=True):
        if output["output_type"] == "stream":
            output["text"] = new["text"]
        elif output["output_type"] == "error":
            output["evalue"] = new["evalue"]
        else:
            output["data"].update({k: v for k, v in new["data"].items() if k.startswith("text/")})
    return printed


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: Item) -> Iterator[None]:
    """After a cell has passed, audit it, and fail it if an alteration slips through."""
    kernel = getattr(item.parent, "kernel", None)
    if kernel is None or isinstance(kernel, Replay):
        return (yield)
    recorder = item.parent.kernel = Recorder(getattr(kernel, "kernel", kernel))
    result = yield
    tried: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    slipped = []
    for alteration, refused in audit(item, recorder.sent):
        tried[alteration.kind] += 1
        caught[alteration.kind] += refused
        if not refused:
            slipped.append(f"{alteration.kind}: {alteration.change}")
    item.user_properties += [(TRIED, dict(tried)), (CAUGHT, dict(caught))]
    if slipped:
        shown = "\n".join(slipped)
        item.raise_cell_error(f"{len(slipped)} alterations slip through:\n{shown}")
    return result


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of the notebooks with the alterations of each."""
    totals: dict[str, dict[str, Counter]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            of_file = totals.setdefault(
                getattr(report, "nodeid", "").split("::")[0], {TRIED: Counter(), CAUGHT: Counter()}
            )
            for name, counts in getattr(report, "user_properties", ()):
                if getattr(report, "when", "") == "call" and name in of_file:
                    of_file[name].update(counts)
    columns = {
        name: {kind: f"{counts[CAUGHT][kind]}/{counts[TRIED][kind]}" for kind in KINDS}
        for name, counts in totals.items()
    }
    if notebooks := compared_in(terminalreporter):
        write_table(terminalreporter, "alterations caught / tried", notebooks, columns)
