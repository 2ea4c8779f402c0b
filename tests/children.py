"""Processes that a test starts: run to their end, and prepared alike, whoever runs the tests."""

import ctypes
import os
import signal
import subprocess
import sys

_PR_CAPBSET_DROP = 24
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1, 2  # what lets root pass by the permissions of files


def finished(command: list[str], **options) -> subprocess.CompletedProcess:
    """Run a command; return its exit code and what it said. The options are `subprocess.run`'s."""
    return subprocess.run(command, capture_output=True, text=True, **options)


def as_ordinary_user() -> None:
    """Take root's way past permissions from the program that is started next (``preexec_fn``).

    Without effect for another user, and elsewhere than on Linux.
    """
    if sys.platform.startswith("linux") and os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (_DAC_OVERRIDE, _DAC_READ_SEARCH):
            if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "prctl")


def as_in_the_foreground() -> None:
    """Let a process hear all signals: what a shell runs in the background is deaf to some."""
    for name in ("SIGINT", "SIGQUIT", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
