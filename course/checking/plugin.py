"""pytest plugin: notebooks compared with their stored outputs by nbval, and what nbval lacks.

- The tag ``rtol=0.05`` on a cell compares its decimal numbers within a tolerance (``tolerance``).
- Kernels get the environment of the notebooks (``course.environment``) and no network.
- A kernel that dies is noticed within a second, and the cell says how it died; nbval alone would
  wait for the cell's whole timeout.
- At the end it is said how many cells of each notebook were compared, and how; and how long each
  took, and how much memory (``table``). The same stands in ``build/compared.json``.

pytest loads it by the project's entry point, so that a plain ``pytest --nbval notebooks`` runs the
lessons as ``make test`` does.

An untagged cell is compared by nbval alone. What nbval 0.11 never compares, tag or not: images
(PNG, JPEG; SVG is compared), widget views, tracebacks (the error's name and message are compared),
metadata, execution counts, the text before a carriage return on the same line, output of
subprocesses, and every output of a cell whose execution count is null. It also takes a displayed
value for a returned one, and does not look at the order of outputs of different kinds; a cell with
the tag is held to both.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from course import environment
from course.checking.table import PEAK, as_json, compared_in, write_costs, write_table
from course.checking.tolerance import compare_outputs, tolerance_of, with_stored_texts
from course.ending import tell
from course.execution import NO_START, tell_death
from course.memory import PEAK_REQUEST, peak_told
from course.places import BUILD, write_atomically

COMPARED = "build/compared.json"  # seen from the folder of the tests
Item = Any  # pytest's; nbval declares nothing of what its own have besides


def _is_notebook_cell(item: Item) -> bool:
    # Imported here, because pytest wants to load nbval itself first.
    from nbval.plugin import IPyNbCell

    return isinstance(item, IPyNbCell)


def pytest_configure(config: pytest.Config) -> None:
    """Give the kernels the environment of the notebooks, and no network."""
    if config.option.nbval or config.option.nbval_lax:
        try:
            environment.use(environment.notebook_environment(BUILD))
            _forbid_network_in_kernels()
        except OSError as error:
            raise pytest.UsageError(tell(error)) from error
        _watch_kernels()


def _forbid_network_in_kernels() -> None:
    """Let every kernel start with `no_network`, run where it leaves no name to the lesson."""
    profile = BUILD / "home" / "ipython-test"
    startup = profile / "profile_default" / "startup" / "no_network.py"
    guard = Path(__file__).with_name("no_network.py").read_text(encoding="utf-8")
    code = f"exec({guard + 'forbid_network()'!r}, {{}})\n"
    # The workers of xdist find what the process that started them has written.
    if not startup.exists() or startup.read_text(encoding="utf-8") != code:
        startup.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(startup, code.encode("utf-8"))
    os.environ["IPYTHONDIR"] = str(profile)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how many cells of each notebook have been compared, and how; and what it took."""
    notebooks = compared_in(terminalreporter)
    if notebooks and not config.pluginmanager.has_plugin("course.checking.audit"):
        write_table(terminalreporter, "what was compared", notebooks)
        write_costs(terminalreporter, notebooks)
        noted = config.rootpath / COMPARED
        noted.parent.mkdir(exist_ok=True)
        write_atomically(noted, as_json(notebooks).encode("utf-8"))


DEATH_TOLD = pytest.StashKey[bool]()  # of a notebook: a cell has failed because its kernel died


class KernelDied(Exception):
    """A kernel ended while an answer of it was awaited."""


def _watch_kernels() -> None:
    """Let a wait for a kernel end as soon as the kernel does."""
    import nbval.plugin
    from nbval.kernel import RunningKernel

    class WatchedKernel(RunningKernel):  # type: ignore[misc]  # nbval has no types
        def __init__(self, *arguments: object, **options: object) -> None:
            try:
                super().__init__(*arguments, **options)
            except RuntimeError as error:
                pytest.fail(f"the {NO_START.format(error)}", pytrace=False)

        def get_message(self, stream: str, timeout: float) -> dict:
            end = time.monotonic() + timeout
            while True:
                left = end - time.monotonic()
                try:
                    return super().get_message(stream, timeout=max(0.0, min(left, 0.5)))
                except Empty:
                    if not self.is_alive():
                        raise KernelDied(self.death()) from None
                    if left <= 0.5:
                        raise

        def death(self) -> str:
            return tell_death(self.km.provisioner.process.poll())

    nbval.plugin.RunningKernel = WatchedKernel


@pytest.hookimpl(trylast=True)  # when the kernel has been started
def pytest_runtest_setup(item: Item) -> None:
    """Fail the first cell whose kernel is dead, and expect nothing of the cells below it."""
    if _is_notebook_cell(item) and not item.parent.kernel.is_alive():
        if item.parent.stash.get(DEATH_TOLD, False):
            pytest.xfail("the kernel died in a cell above")
        item.parent.stash[DEATH_TOLD] = True
        pytest.fail(item.parent.kernel.death(), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: Item) -> Iterator[None]:
    """Say of a cell in which the kernel died how it died."""
    try:
        return (yield)
    except KernelDied as death:
        item.parent.stash[DEATH_TOLD] = True
        item.raise_cell_error(str(death))


def pytest_runtest_teardown(item: Item, nextitem: Item | None) -> None:
    """After the last cell of a notebook, note how much memory its kernel has needed."""
    if _is_notebook_cell(item) and (nextitem is None or nextitem.parent is not item.parent):
        kernel = item.parent.kernel
        if kernel and kernel.is_alive():
            reply = kernel.kc.execute_interactive(**PEAK_REQUEST)
            item.user_properties.append((PEAK, peak_told(reply)))


def pytest_itemcollected(item: Item) -> None:
    """Put the tolerant comparison in front of nbval's own, in tagged cells only."""
    if not _is_notebook_cell(item):
        return
    try:
        rtol = tolerance_of(item.cell.metadata.get("tags", []))
        if rtol is not None and not item.options["check"] and item.config.option.nbval:
            raise ValueError("the rtol tag has no effect in a cell whose output is not compared")
    except ValueError as error:
        _fail_after_running(item, str(error))
        return
    if rtol is None:
        return
    compare_exactly = item.compare_outputs

    def compare(test: list, ref: list, skip_compare: tuple | None = None) -> bool:
        problems = compare_outputs(ref, test, rtol)
        if problems:
            item.comparison_traceback = problems
            return False
        return compare_exactly(with_stored_texts(ref, test), ref, skip_compare)

    item.compare_outputs = compare


def _fail_after_running(item: Item, problem: str) -> None:
    """Make a cell fail, but only after running it: the cells below need what it defines."""
    run = item.runtest

    def run_and_fail() -> None:
        try:
            run()
        finally:
            item.raise_cell_error(problem)

    item.runtest = run_and_fail
