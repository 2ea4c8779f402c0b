"""How much memory a process has needed at its peak, in GB (10^9 bytes), as told by itself."""

import re
import sys
from pathlib import Path
from typing import Any

ANSWER_TIMEOUT = 30  # seconds for a kernel that has nothing to do

# Arguments of jupyter_client's `execute_interactive`, which returns when the kernel is idle again
# and can be shut down, that ask a kernel for its peak.
PEAK_REQUEST: dict[str, Any] = {
    "code": "",
    "silent": True,
    "user_expressions": {"peak": "__import__('course.memory').memory.peak_memory()"},
    "allow_stdin": False,
    "timeout": ANSWER_TIMEOUT,
    "output_hook": lambda message: None,
}


def peak_memory() -> float:
    """Return the most memory that this process has held at once."""
    if sys.platform == "linux":  # where ru_maxrss includes what the parent process needed
        status = Path("/proc/self/status").read_text("utf-8")
        [peak] = re.findall(r"VmHWM:\s+(\d+) kB", status)
        return 1024 * int(peak) / 1e9
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e9
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9


def peak_told(reply: dict) -> float:
    """Return the peak of a kernel from its reply to `PEAK_REQUEST`."""
    return float(reply["content"]["user_expressions"]["peak"]["data"]["text/plain"])
