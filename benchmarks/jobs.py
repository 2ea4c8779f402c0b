"""Measurements in processes of their own: none inherits another's memory, threads or seeds.

A job is a function of a benchmark module that returns a dictionary of plain numbers; its peak
memory in GB is added under ``"memory"``.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from course.memory import peak_memory
from course.places import ROOT


@dataclass(frozen=True)
class Job:
    """A call ``function(**arguments)`` to be made in a process with so many threads."""

    function: Callable[..., dict]
    arguments: dict = field(default_factory=dict)
    threads: int = 1


def run_jobs(jobs: Sequence[Job], *, side_by_side: int = 1) -> list[dict]:
    """Make the calls, at most ``side_by_side`` at a time, and return their results in order.

    Two jobs of one thread each may run side by side on two cores. They share the memory's
    bandwidth, so what is compared by its time is run in the same way.

    Raises:
        RuntimeError: a process failed; the message holds what it printed.
    """
    with ThreadPoolExecutor(side_by_side) as pool:
        return list(pool.map(_run, jobs))


def _run(job: Job) -> dict:
    name = f"{job.function.__module__}:{job.function.__qualname__}"
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "result.json"
        command = [sys.executable, "-m", "benchmarks.jobs", name, json.dumps(job.arguments)]
        env = os.environ | {"OMP_NUM_THREADS": str(job.threads)}
        done = subprocess.run(
            [*command, str(output)], cwd=ROOT, env=env, check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{name} {job.arguments} failed:\n{done.stdout}{done.stderr}")
        return json.loads(output.read_text("utf-8"))


def main(name: str, arguments: str, output: str) -> None:
    """Make one call and write its result."""
    module, function = name.split(":")
    result = getattr(importlib.import_module(module), function)(**json.loads(arguments))
    Path(output).write_text(json.dumps(result | {"memory": peak_memory()}), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
