"""Two calls timed in turn, and the peak memory of one call.

A machine is never as quiet or as warm a minute later: what is compared by its time runs in turn, in
one process, and the ratio is trusted more than the times.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch.profiler import ProfilerActivity, profile

RESAMPLED = 200  # ratios behind each standard error


def compare(ours: Callable, theirs: Callable, *, seconds: float, least: int = 15) -> dict:
    """Time both in turn for so long, at least so many pairs; the order changes with each pair.

    Returns:
        The median times in seconds, the ratio of the medians, its standard error (by resampling
        the pairs) and the number of pairs.
    """
    calls, pairs = (ours, theirs), []
    for call in calls * 2:
        call()
    end = time.perf_counter() + seconds
    while len(pairs) < least or time.perf_counter() < end:
        times = [0.0, 0.0]
        for which in (0, 1) if len(pairs) % 2 else (1, 0):
            start = time.perf_counter()
            calls[which]()
            times[which] = time.perf_counter() - start
        pairs.append(times)
    pairs, rng = np.array(pairs), np.random.default_rng(0)
    medians = np.median(pairs, axis=0).tolist()
    drawn = (np.median(rng.choice(pairs, len(pairs)), axis=0) for _ in range(RESAMPLED))
    error = statistics.stdev(float(a / b) for a, b in drawn)
    ratio = medians[0] / medians[1]
    return {"seconds": medians, "ratio": ratio, "error": error, "pairs": len(pairs)}


def peak_bytes(call: Callable[[], object]) -> int:
    """Return the most bytes that torch's allocator held at once for a call, above the start."""
    call()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        call()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text("utf-8"))["traceEvents"]
    held = sorted((e for e in events if e.get("name") == "[memory]"), key=lambda e: e["ts"])
    first = held[0]["args"]
    before = first["Total Allocated"] - first["Bytes"]
    return max(event["args"]["Total Allocated"] for event in held) - before
