"""How a command of the course ends: in words, with no process and no half-written file left.

`in_words` runs a command. A signal that would end the process, whichever it is, ends everything
that the command has started and becomes the exception `Stopped`, so that files in the making are
cleared away on the way out. Signals that were ignored at the start, as by ``nohup``, stay ignored.
"""

import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil

PATIENCE = 1.0  # seconds for a process that was asked to end, before it is made to

# Signals that are no request to stop (harmless ones, those of job control, a program's own faults),
# and those that cannot be caught.
LEFT_ALONE = """
SIGCHLD SIGCLD SIGCONT SIGINFO SIGURG SIGWINCH SIGTSTP SIGTTIN SIGTTOU
SIGABRT SIGBUS SIGFPE SIGILL SIGSEGV SIGSYS SIGTRAP SIGEMT SIGKILL SIGSTOP
"""

NOT_ALLOWED = (
    "Another program may have it open."
    if os.name == "nt"
    else 'It may belong to another user since a `sudo make`: sudo chown -R "$(id -un)" . may help.'
)
HINTS = {
    errno.EACCES: NOT_ALLOWED,
    errno.EPERM: NOT_ALLOWED,
    errno.EROFS: "The folder of the course must be on a disk that can be written.",
    errno.ENOSPC: "Make room on the disk and call it again.",
}


class CourseError(Exception):
    """A message for the person at the keyboard; it ends the command with exit code 1."""


class Stopped(KeyboardInterrupt):
    """A signal told this process to stop; what it had started has ended."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    def __str__(self) -> str:
        return f"Stopped by {name_of(self.number)}."


def name_of(number: int) -> str:
    """Return the name of a signal: SIGINT."""
    names = {each.value: each.name for each in signal.Signals}
    return names.get(number, f"signal {number}")  # those of real time have none


def end_children() -> None:
    """End every process below this one, in whatever session: kindly, then by force."""
    children = psutil.Process().children(recursive=True)
    for act in (psutil.Process.terminate, psutil.Process.kill):
        for child in children:
            with suppress(psutil.NoSuchProcess):
                act(child)
        end = time.monotonic() + PATIENCE
        while (children := list(filter(_works, children))) and time.monotonic() < end:
            time.sleep(0.02)


def _works(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE  # ended, and waits to be asked how
    return False


@contextmanager
def stoppable() -> Iterator[None]:
    """Let every signal that would end this process end its children and raise `Stopped`."""
    asked = {
        number: signal.getsignal(number)
        for number in signal.valid_signals()
        if getattr(number, "name", "") not in LEFT_ALONE.split()
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)
    }

    def stop(number: int, frame: object) -> None:
        for each in asked:
            signal.signal(each, signal.SIG_IGN)  # once is enough
        end_children()
        raise Stopped(number)

    try:
        for number in asked:
            signal.signal(number, stop)
        yield
    finally:
        for number, handler in asked.items():
            signal.signal(number, handler)


def in_words(work: Callable[[], int]) -> int:
    """Return the exit code of some work; what stops it is said in one line, without a traceback."""
    for stream in filter(None, (sys.stdout, sys.stderr)):  # one that is closed is None
        # A folder's name may hold letters that the terminal's code page lacks.
        stream.reconfigure(errors="backslashreplace")
    try:
        with stoppable():
            return work()
    except Stopped as stopped:
        _say(f"\n{stopped}")
        return 128 + stopped.number
    except CourseError as error:
        _say(str(error))
    except BrokenPipeError:
        _say("Stopped: what reads the output has gone.")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is yet unwritten
    except OSError as error:
        _say(tell(error))
    return 1


def tell(error: OSError) -> str:
    """Say what the system refused, and what may help."""
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}. {HINTS.get(error.errno or 0, '')}".rstrip()


def _say(words: str) -> None:
    with suppress(OSError):  # the terminal may be closed
        print(words, file=sys.stderr, flush=True)
