"""One notebook executed in a kernel of its own: how long it took, and how much memory."""

import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

CELL_TIMEOUT = 600  # seconds; a kernel that died is noticed by nbval only after this time
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
    """Read a notebook as it is stored."""
    import nbformat

    return nbformat.read(path, as_version=4)


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

    notebook = read_notebook(path)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    code = [i for i, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code"]
    title = title_of(notebook)
    print(f"{path.stem}  {title} ... ", end="", flush=True)
    current, memory = 0, None

    def begin(cell: dict, cell_index: int) -> None:
        nonlocal current
        current = cell_index

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
        client.execute()
    except Exception as error:  # a failed cell, a timeout, a dead kernel, a kernel that won't start
        problem = _describe_failure(path, notebook, current, error)
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


# Arguments of `execute_interactive`, which returns when the kernel is idle again and can be shut
# down, that ask a kernel for its peak.
PEAK_REQUEST = {
    "code": "",
    "silent": True,
    "user_expressions": {"bytes": PEAK_MEMORY[sys.platform]},
    "allow_stdin": False,
    "timeout": CELL_TIMEOUT,
    "output_hook": lambda message: None,
}


def peak_memory(reply: dict) -> float:
    """Return the memory that a kernel has needed at its peak, in GB, from its reply."""
    return int(reply["content"]["user_expressions"]["bytes"]["data"]["text/plain"]) / 1e9


def _describe_failure(path: Path, notebook: dict, index: int, error: Exception) -> str:
    """Say which cell of which notebook failed, its first lines, and the error."""
    cell = notebook["cells"][index]
    lines = cell["source"].splitlines()
    source = "\n".join(f"    {line}" for line in [*lines[:6], *(["..."] if len(lines) > 6 else [])])
    shown = [output for output in cell.get("outputs", []) if output["output_type"] == "error"]
    if shown:
        message = "\n".join(shown[-1]["traceback"])
    else:
        # When a kernel died, nbclient stumbles in cleaning up, over an assertion without a message.
        while not str(error).strip() and error.__context__:
            error = error.__context__
        message = f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}"
    place = f"{path.name}: cell {index + 1} of {len(notebook['cells'])} (id {cell.get('id')!r})"
    return f"{place} failed:\n{source}\n{message}\n"
