"""One notebook, read and executed in a kernel of its own: how long it took, how much memory."""

import asyncio
import atexit
import re
import signal
import sys
import time
import warnings
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from ending import CourseError, Stopped, end_children, name_of

CELL_TIMEOUT = 600  # seconds
ANSWER_TIMEOUT = 30  # seconds for a kernel that has nothing to do
NO_START = "kernel did not start ({}); is there memory left?"
MEMORY_LIMIT = 2.0  # GB (10^9 bytes) that a lesson may need at its peak

# What a kernel evaluates to tell the bytes of its peak. On Linux, ru_maxrss would include what the
# process that started the kernel needed.
PEAK_MEMORY = {
    "linux": "1024 * int(__import__('re').search(r'VmHWM:\\s+(\\d+) kB', "
    "__import__('pathlib').Path('/proc/self/status').read_text())[1])",
    "darwin": "__import__('resource').getrusage(0).ru_maxrss",
    "win32": "__import__('psutil').Process().memory_info().peak_wset",
}


def title_of(notebook: dict) -> str:
    """Return the first level-1 heading of a notebook, or an empty text."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            match = re.search(r"^#[ \t]+(.+?)[ \t#]*$", cell["source"], re.MULTILINE)
            if match:
                return match[1]
    return ""


def read_notebook(path: Path) -> dict:
    """Read a notebook as it is stored.

    Raises:
        CourseError: it cannot be read; the message names the file and says what to do.
    """
    import nbformat
    from nbformat.warnings import DuplicateCellId, MissingIDFieldWarning

    try:
        text = path.read_text(encoding="utf-8")
        if conflict := re.search(r"^<{7} .*$", text, re.MULTILINE):
            line = text.count("\n", 0, conflict.start()) + 1
            raise ValueError(f"git has left both sides of a conflict in it, from line {line} on")
        with warnings.catch_warnings():  # nbformat would mend them here, and nbval refuse them
            warnings.simplefilter("error", MissingIDFieldWarning)
            warnings.simplefilter("error", DuplicateCellId)
            notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
    except OSError as error:
        raise CourseError(f"{path.name} cannot be read: {error.strerror}.") from error
    except Exception as error:  # nbformat raises many kinds
        why = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        raise CourseError(
            f"{path.name} cannot be read as a notebook: {why[:200]}. Mend it in a text editor, or "
            "take the course's own back, which loses what you changed in it: "
            f"git checkout HEAD -- {path.parent.name}/{path.name}"
        ) from error
    return notebook


@dataclass
class Run:
    """One executed notebook: what came of it, how long it took, and what memory it needed."""

    name: str
    title: str
    notebook: dict
    seconds: float
    memory: float | None  # GB at the kernel's peak; None if the last cell was not reached
    problem: str


def execute(path: Path) -> Run:
    """Execute a copy of a notebook and report its progress in one line; never raises for a cell."""
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError

    notebook = read_notebook(path)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    code = [i for i, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code"]
    title = title_of(notebook)
    print(f"{path.stem}  {title} ... ", end="", flush=True)
    current, memory, kernel = 0, None, None

    def begin(cell: dict, cell_index: int) -> None:
        nonlocal current, kernel
        current, kernel = cell_index, client.km.provisioner.process

    async def end(cell: dict, cell_index: int, execute_reply: dict) -> None:
        nonlocal memory
        if cell_index == code[-1]:
            memory = peak_memory(await client.kc.execute_interactive(**PEAK_REQUEST))

    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=40"],  # no notes in the middle of our line
        coalesce_streams=True,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_execute=begin,
        on_cell_executed=end,
    )
    start, problem = time.perf_counter(), ""
    try:
        _beside(client.async_execute())
    except Exception as error:  # a failed cell, a timeout, a dead kernel, a kernel that won't start
        # When a kernel died, nbclient stumbles in cleaning up, over an assertion.
        causes = (error, error.__context__)
        code = kernel.poll() if kernel else None
        died = any(isinstance(each, DeadKernelError | TimeoutError) for each in causes)
        why = tell_death(code) if died and code is not None else error
        problem = (
            _describe_failure(path, notebook, current, why)
            if kernel
            else f"{path.name}: its {NO_START.format(error)}\n"
        )
    finally:
        atexit.unregister(client._cleanup_kernel)  # which nbclient leaves there without a kernel
    if memory is not None and memory > MEMORY_LIMIT:
        problem += (
            f"{path.name} needed {memory:.1f} GB of memory, at most {MEMORY_LIMIT} are meant\n"
        )
    run = Run(path.stem, title, notebook, time.perf_counter() - start, memory, problem)
    needed = "" if memory is None else f", {memory:.1f} GB"
    print(f"{run.seconds:.0f} s{needed}" + (", FAILED" if problem else ""), flush=True)
    if problem:
        print(problem, file=sys.stderr, flush=True)
    return run


def _beside(work: Coroutine) -> None:
    """Do some work in a thread: nbclient takes over signals where it runs in the main one.

    When this process is told to stop, the work is given up, whatever it waits for.
    """
    begun, failures = [], []

    async def cancellable() -> None:
        begun.append((asyncio.get_running_loop(), asyncio.current_task()))
        await work

    def run() -> None:
        try:
            asyncio.run(cancellable())
        except BaseException as error:
            failures.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.2)  # without an end, a join cannot be interrupted on Windows
    except Stopped:
        for loop, task in begun:
            with suppress(RuntimeError):  # it ended in this moment
                loop.call_soon_threadsafe(task.cancel)
        end = time.monotonic() + 0.8
        while thread.is_alive() and time.monotonic() < end:
            end_children()  # a kernel may just have been about to start
            thread.join(0.05)
        raise
    if failures:
        raise failures[0]


def tell_death(exit_code: int) -> str:
    """Say how a kernel ended by itself, and the likely cause."""
    if exit_code == -getattr(signal, "SIGKILL", 9):
        return (
            "The system killed the kernel, most likely for want of memory: a lesson needs up to "
            f"{MEMORY_LIMIT} GB. Close other programs and call it again."
        )
    how = f"exit code {exit_code}" if exit_code >= 0 else name_of(-exit_code)
    return f"The kernel died ({how})."


# Arguments of `execute_interactive`, which returns when the kernel is idle again and can be shut
# down, that ask a kernel for its peak.
PEAK_REQUEST = {
    "code": "",
    "silent": True,
    "user_expressions": {"bytes": PEAK_MEMORY[sys.platform]},
    "allow_stdin": False,
    "timeout": ANSWER_TIMEOUT,
    "output_hook": lambda message: None,
}


def peak_memory(reply: dict) -> float:
    """Return the memory that a kernel has needed at its peak, in GB, from its reply."""
    return int(reply["content"]["user_expressions"]["bytes"]["data"]["text/plain"]) / 1e9


def _describe_failure(path: Path, notebook: dict, index: int, why: Exception | str) -> str:
    """Say which cell of which notebook failed, its first lines, and the error."""
    cell = notebook["cells"][index]
    lines = cell["source"].splitlines()
    source = "\n".join(f"    {line}" for line in [*lines[:6], *(["..."] if len(lines) > 6 else [])])
    shown = [output for output in cell.get("outputs", []) if output["output_type"] == "error"]
    if isinstance(why, str):
        message = why
    elif shown:
        message = "\n".join(shown[-1]["traceback"])
    else:
        message = f"{type(why).__name__}: {next(iter(str(why).strip().splitlines()), '')}"
    place = f"{path.name}: cell {index + 1} of {len(notebook['cells'])} (id {cell.get('id')!r})"
    return f"{place} failed:\n{source}\n{message}\n"
