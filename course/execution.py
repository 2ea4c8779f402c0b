"""One notebook, read and executed in a kernel of its own: how long it took, how much memory."""

import asyncio
import atexit
import signal
import sys
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from course.ending import Stopped, end_children, name_of
from course.memory import PEAK_REQUEST, peak_told
from course.notebook import clear, read_notebook, title_of

CELL_TIMEOUT = 600  # seconds
NO_START = "kernel did not start ({}); is there memory left?"
MEMORY_LIMIT = 2.0  # GB (10^9 bytes) that a lesson may need at its peak


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
    clear(notebook)
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
            memory = peak_told(await client.kc.execute_interactive(**PEAK_REQUEST))

    client: Any = NotebookClient(  # whose parts are declared as what may be missing
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
        ended = kernel.poll() if kernel else None
        died = any(isinstance(each, DeadKernelError | TimeoutError) for each in causes)
        why = tell_death(ended) if died and ended is not None else error
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
        begun.append(asyncio.create_task(work))
        await begun[0]

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
        for task in begun:
            with suppress(RuntimeError):  # it ended in this moment
                task.get_loop().call_soon_threadsafe(task.cancel)
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
