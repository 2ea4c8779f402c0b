# An older Python must be able to read this file, to be told that it is too old.
"""Set up ``.venv`` with what requirements.txt lists; do nothing when that is done already.

Run by the Makefile, before there is an environment: standard library only. The last thing written
is a stamp that names what was installed and where, so a half-finished installation, a changed
requirements.txt and a folder that was moved are all noticed. What pip says goes to a log in
``.venv``. Of pip's settings those that say where packages come from are the reader's.
"""

import ast
import contextlib
import hashlib
import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENVIRONMENT = os.path.join(ROOT, ".venv")
STAMP = os.path.join(ENVIRONMENT, "course-installed.txt")
LOG = os.path.join(ENVIRONMENT, "course-setup.log")
OLDEST, NEWEST = (3, 11), (3, 13)
CHOOSE = "choose one: " + (
    "py -3.12 -Es scripts\\setup.py" if os.name == "nt" else "make run PYTHON=python3.12"
)
UNFINISHED = "Setting up .venv did not finish; the next call starts it again."

# Modules that a Python may have been built without, and the Debian package each is built from:
# zlib and ssl for pip itself, ctypes for torch, sqlite3 for `make lab` and `make test`.
NEEDED = {
    "zlib": "zlib1g-dev",
    "_ssl": "libssl-dev",
    "_ctypes": "libffi-dev",
    "_sqlite3": "libsqlite3-dev",
}

# On Linux, PyPI's torch brings several gigabytes for graphics cards; this index has it without.
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
CPU_INDEX_SECONDS = 8

# The settings of pip that say where packages come from. All others could lead them elsewhere
# (user, target, prefix), leave them out (no-deps, dry-run), or do nothing for the course.
PATHS = {"find-links", "constraint", "build-constraint", "cert", "client-cert", "cache-dir"}
WHERE_FROM = PATHS | {
    "index-url",
    "extra-index-url",
    "no-index",
    "trusted-host",
    "proxy",
    "no-proxy-env",
    "timeout",
    "retries",
    "resume-retries",
    "no-cache-dir",
    "keyring-provider",
    "use-feature",
    "use-deprecated",
}
SAME = {"default-timeout": "timeout", "pypi-url": "index-url"}

HINTS = [
    (
        r"Errno (13|30)|Permission denied|WinError (5|32)\b",
        'If `sudo make run` was called here once, give the folder back: sudo chown -R "$(id -un)" .'
        if os.name != "nt"
        else "Close what uses .venv, such as JupyterLab, and see that the folder can be written.",
    ),
    (
        r"Errno (28|122)|No space left",
        "The disk is full: the course needs about 2 GB here, and pip some in its temporary folder.",
    ),
    (r"Retrying \(", "No answer: is there a network, or a proxy that pip has to be told of?"),
]

# Runs in the environment: prints each pin that is not installed there, in that version.
LOOK = """
import os, sys, sysconfig
from importlib import metadata, util
helpers, *pins = sys.argv[1:]
site = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
for pin in pins:
    name, _, version = pin.partition("==")
    found = [str(one.version) for one in metadata.distributions(name=name, path=list(site))]
    if version not in [one.partition("+")[0] for one in found]:
        print(pin, "(there is %s)" % ", ".join(found) if found else "(not there)")
spec = util.find_spec("helpers")
if helpers and not (spec and spec.origin and os.path.samefile(spec.origin, helpers)):
    print("helpers of this folder", "(there is %s)" % spec.origin if spec else "(not there)")
"""

stop_signals = []  # those that were received


class SetupError(Exception):
    """Setting up cannot go on; the message is for the reader."""


class Stopped(Exception):
    """A signal told us to stop."""


def environment_python():
    """Return the path of the environment's own Python."""
    folder = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return os.path.join(ENVIRONMENT, *folder)


def wanted_stamp():
    """Return what the stamp says when the environment is complete and up to date."""
    digest = hashlib.sha256()
    for name in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read() + b"\0")
    return "{}\n{}\n".format(digest.hexdigest(), ROOT)


def found_stamp():
    """Return the stamp of an installation that was finished, or an empty text."""
    try:
        with open(STAMP, "rb") as file:
            return file.read().decode("utf-8", "replace")
    except (OSError, IOError):
        return ""


def environment_runs():
    """Tell whether the environment's Python starts (the one below it may have been removed)."""
    try:
        with open(os.devnull, "w") as nothing:
            command = [environment_python(), "-I", "-c", ""]
            return subprocess.call(command, stdout=nothing, stderr=nothing) == 0
    except (OSError, IOError):
        return False


def refusal():
    """Return the line that says why this Python cannot be used, or None."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return "The course needs Python 3.11, 3.12 or 3.13, and this is {}.{}.{} ({}); {}".format(
            sys.version_info[0], sys.version_info[1], sys.version_info[2], sys.executable, CHOOSE
        )
    lacking = [name for name in NEEDED if not can_import(name)]
    if lacking:
        return (
            "This Python ({}) was built without {}, which the course needs. Install {} (so they are"
            " called on Debian and Ubuntu) and build it again, as with pyenv install --force {}."
            " Or {}".format(
                sys.executable,
                ", ".join(lacking),
                " ".join(NEEDED[name] for name in lacking),
                sys.version.split()[0],
                CHOOSE,
            )
        )
    if not (can_import("venv") and can_import("ensurepip")):
        return (
            "This Python ({}) cannot make environments: its venv or ensurepip is missing. On Debian"
            " and Ubuntu: sudo apt install python{}.{}-venv. Or {}".format(
                sys.executable, sys.version_info[0], sys.version_info[1], CHOOSE
            )
        )
    if ROOT.encode("utf-8", "replace").decode("utf-8") != ROOT:
        return "Python's venv makes no environment in a folder whose name is not UTF-8: " + ROOT
    if os.environ.get("TORCH", "") not in ("", "cuda"):
        return "TORCH must be cuda (PyPI's torch, for graphics cards) or not set, got {!r}".format(
            os.environ["TORCH"]
        )
    return None


def can_import(name):
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


# ------------------------------------------------------------------------------ running commands


def run(command, env, output, limit=None, cwd=None, shown=False):
    """Run a command, its output into a file; return its exit code, or None after ``limit`` seconds.

    It has a session of its own: it cannot ask at the terminal, and nothing of it outlives us.
    """
    begun = time.monotonic()
    child = subprocess.Popen(
        command,
        cwd=cwd or ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=0.2)
            seconds = time.monotonic() - begun
            stop_if_told()
            if child.returncode is not None or (limit and seconds > limit):
                return child.returncode
            if shown:
                draw("{:4.0f} s  {}".format(seconds, what_pip_is_at()))
    finally:
        end(child)
        if shown:
            draw("")


def stop_if_told():
    if stop_signals:
        raise Stopped


def end(child):
    """End a command and all that it started, if it still runs."""
    if child.returncode is not None:
        return
    if os.name == "nt":
        child.kill()
    else:
        os.killpg(child.pid, signal.SIGINT)  # lets pip remove its temporary files
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=1)
        with contextlib.suppress(OSError):  # none is left
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def ask(command, env, limit=None, cwd=None):
    """Run a command; return its exit code and what it said."""
    with tempfile.TemporaryFile() as output:
        code = run(command, env, output, limit, cwd)
        output.seek(0)
        return code, output.read().decode("utf-8", "replace")


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def draw(line):
    """Put a line in the place of the one drawn before, on a terminal only."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        sys.stdout.write("\r" + line[:width].ljust(width) + "\r")
        sys.stdout.flush()


def what_pip_is_at():
    """Return the last line of the log that says so: Collecting ..., Downloading ..."""
    with open(LOG, "rb") as file:
        file.seek(max(0, os.path.getsize(LOG) - 20000))
        said = file.read().decode("ascii", "backslashreplace")  # for any terminal
    found = re.findall(r"^ *((?!Attempting)[A-Z][a-z]+ing .*|WARNING: Retrying .*)", said, re.M)
    return found[-1] if found else ""


def complaint(said):
    """Return the lines that say what went wrong, and what may help."""
    lines = [line for line in said.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("ERROR")] or lines[-10:]
    return "\n".join(told + [hint for pattern, hint in HINTS if re.search(pattern, said)])


# ------------------------------------------------------------------------------------------- pip


def pip(*arguments):
    """Return the command that runs the environment's own pip, whatever lies in this folder."""
    return [environment_python(), "-P", "-m", "pip"] + list(arguments)


def plain_environment():
    """Return our environment without what would lead Python or pip astray."""
    led = re.compile(r"_?PIP_|_?PYTHON|VIRTUAL_ENV|__PYVENV_LAUNCHER__")
    env = {name: value for name, value in os.environ.items() if not led.match(name)}
    env["PYTHONIOENCODING"] = "utf-8"
    return env


def pip_settings():
    """Return the reader's settings of pip that say where packages come from.

    The environment's pip lists what it finds in files and in the environment.
    """
    env = plain_environment()
    env.update((name, value) for name, value in os.environ.items() if name.startswith("PIP_"))
    # `user = true` would make pip list the settings of the user's own file only, and so on.
    for option in ("user", "global", "site", "isolated", "quiet", "verbose"):
        env["PIP_" + option.upper()] = "0"
    list_all = pip("--python", environment_python(), "config", "list")
    code, said = ask(list_all, env, cwd=os.getcwd())
    if code:
        raise SetupError(
            said.strip() + "\npip cannot read its settings: mend them in the file or the"
            " environment variable (PIP_...) that it names, and call again."
        )
    settings = {}
    for section in ("global", "install", ":env:"):  # as in pip, the later one counts
        for line in said.splitlines():
            key, _, value = line.partition("=")
            if key.startswith(section + "."):
                name = SAME.get(key[len(section) + 1 :], key[len(section) + 1 :])
                if name in WHERE_FROM and ast.literal_eval(value):
                    settings[name] = ast.literal_eval(value)
    if not os.path.samefile(os.curdir, ROOT):  # where pip will run
        for name in PATHS & set(settings):
            words = settings[name].split()
            paths = [os.path.abspath(word) if os.path.exists(word) else word for word in words]
            settings[name] = " ".join(paths)
    return settings


def pip_environment(settings):
    """Return the environment in which pip has these settings and no others of the reader's."""
    env = plain_environment()
    env.update(PIP_CONFIG_FILE=os.devnull, PIP_NO_INPUT="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
    env.update(PIP_PROGRESS_BAR="off", PIP_NO_COLOR="1", PIP_TIMEOUT="60")
    env.update(("PIP_" + name.upper().replace("-", "_"), settings[name]) for name in settings)
    return env


def pip_install(env, *arguments):
    """Install; return what pip complained of, which is nothing if it succeeded."""
    with open(LOG, "ab") as log:
        begun = log.tell()
        code = run(pip("install", *arguments), env, log, shown=True)
    if not code:
        return ""
    with open(LOG, "rb") as log:
        log.seek(begun)
        return complaint(log.read().decode("utf-8", "replace")) or "pip ended with {}".format(code)


def pins():
    """Return what requirements.txt pins, each as name==version."""
    with open(os.path.join(ROOT, "requirements.txt"), encoding="utf-8") as file:
        return re.findall(r"^[\w.-]+==[^\s;]+", file.read(), re.MULTILINE)


def missing(wanted, helpers=""):
    """Return in words which pins, and which file of the package ``helpers``, .venv lacks."""
    command = [environment_python(), "-P", "-c", LOOK, helpers] + wanted
    code, said = ask(command, plain_environment())
    if code:
        raise SetupError(complaint(said))
    return said.splitlines()


# ----------------------------------------------------------------------------------------- torch


def offers(source, pin, env):
    """Tell whether a source, given as options of pip, has a build of this version for us."""
    name, version = pin.split("==")
    command = pip("index", "versions", name, "--retries=1") + source
    code, said = ask(command, env, limit=CPU_INDEX_SECONDS)
    listed = re.findall(r"^Available versions: (.*)", said, re.MULTILINE)
    found = [one.partition("+")[0] for one in ", ".join(listed).split(", ")]
    return code == 0 and version in found


def install_cpu_torch(pin, settings):
    """Install PyTorch's own build without graphics cards, unless a torch is at hand already."""
    env = pip_environment(settings)
    if not missing([pin]) or "no-index" in settings or offers(["--no-index"], pin, env):
        return
    elsewhere = {"index-url", "extra-index-url", "find-links"}
    env = pip_environment({name: settings[name] for name in set(settings) - elsewhere})
    source = ["--index-url=" + CPU_INDEX]
    say("Asking " + CPU_INDEX + " for a small " + pin + " (TORCH=cuda takes PyPI's) ...")
    if not offers(source, pin, env):
        problem = "has not offered it within {} seconds".format(CPU_INDEX_SECONDS)
    elif pip_install(env, pin, "--no-deps", *source):
        problem = "offers it, but it could not be installed from there"
    else:
        return
    say("That index " + problem + ": PyPI's is taken, gigabytes with what it needs.")


# ------------------------------------------------------------------------------------- the whole


def install(keep):
    """Create the environment (afresh unless ``keep``) and install into it."""
    stop_if_told()
    if os.path.exists(STAMP):
        os.remove(STAMP)
    say("Setting up .venv: downloads and installs the packages; takes a minute or more ...")
    if not keep:
        for command in (
            [sys.executable, "-I", "-m", "venv", "--clear", "--without-pip", ENVIRONMENT],
            [environment_python(), "-I", "-m", "ensurepip", "--default-pip"],
        ):
            code, said = ask(command, plain_environment())
            if code:
                raise SetupError(complaint(said))
    settings = pip_settings()
    if sys.platform.startswith("linux") and os.environ.get("TORCH") != "cuda":
        for pin in pins():
            if pin.startswith("torch=="):
                install_cpu_torch(pin, settings)
    requirements = os.path.join(ROOT, "requirements.txt")
    problem = pip_install(pip_environment(settings), "--requirement=" + requirements)
    if problem:
        raise SetupError(problem + "\nAll that pip said is in " + LOG)
    lacking = missing(pins(), os.path.join(ROOT, "helpers", "__init__.py"))
    if lacking:
        raise SetupError("pip reports success, but .venv lacks " + ", ".join(lacking))
    with open(STAMP + ".part", "wb") as file:
        file.write(wanted_stamp().encode("utf-8"))
    os.replace(STAMP + ".part", STAMP)
    say("Done: .venv is ready.")


def main():
    try:
        runs = environment_runs()
        if runs and found_stamp() == wanted_stamp():
            return 0
        problem = refusal()
        if problem:
            sys.stderr.write(problem + "\n")
            return 1
        # A finished installation in this very folder is brought up to date; anything else starts
        # anew, because pip takes a package whose copying was cut short for an installed one.
        install(keep=runs and found_stamp().splitlines()[1:] == [ROOT])
    except Stopped:
        sys.stderr.write("Stopped. " + UNFINISHED + "\n")
        return 128 + stop_signals[0]
    except SetupError as error:
        sys.stderr.write("{}\n{}\n".format(error, UNFINISHED))
        return 1
    except OSError as error:
        sys.stderr.write("{}\n{}\n".format(complaint(str(error)), UNFINISHED))
        return 1
    return 0


def note_signals():
    """Let the signals that end a program stop us in good order, but for those ignored (nohup)."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"):
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda received, frame: stop_signals.append(received))


if __name__ == "__main__":
    note_signals()
    sys.exit(main())
