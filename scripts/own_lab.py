"""A JupyterLab of the project's own: copies of the lessons, no settings of the reader's.

All that it reads and writes is in ``build/browser``. It listens on a free port, to this machine
only, and asks for a token that nobody else knows.
"""

import json
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import course
import environment
from ending import CourseError

WORK = course.BUILD / "browser"
LESSONS = WORK / "lessons"
LOG = WORK / "jupyterlab.log"

PATIENCE = 60  # seconds for what should take one or two, on a busy machine

# Every cell is in the page, also those far below; nothing is saved unasked; no news are fetched.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}

FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    url: str
    token: str

    def ask(self, address: str, method: str = "GET") -> bytes:
        """Send a request to the server's own interface, past any proxy, and return the answer.

        Raises:
            CourseError: no answer came, or a refusal.
        """
        request = urllib.request.Request(f"{self.url}/api/{address}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=PATIENCE) as answer:
                return answer.read()
        except OSError as error:
            raise CourseError(f"JupyterLab does not answer ({error}); see {LOG}") from error

    def kernel(self, name: str) -> dict:
        """Return what the server knows of the kernel of an open notebook; empty without one."""
        sessions = json.loads(self.ask("sessions"))
        return next((each["kernel"] for each in sessions if each["path"] == name), {})

    def stop_kernel(self, name: str) -> None:
        """Stop the kernel of a notebook, if it has one."""
        if kernel := self.kernel(name):
            self.ask(f"kernels/{kernel['id']}", "DELETE")


def prepare(paths: list[Path]) -> None:
    """Copy notebooks into an empty work folder, and put the settings beside them.

    The copies have no outputs: those of an earlier run would pass for those of this one.
    """
    import nbformat

    shutil.rmtree(WORK, ignore_errors=True)
    for folder in ("lessons", *FOLDERS.values()):
        (WORK / folder).mkdir(parents=True)
    for path in paths:
        notebook = course.read_notebook(path)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = [], None
        nbformat.write(notebook, LESSONS / path.name)
    for name, values in SETTINGS.items():
        file = WORK / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")


def lab_environment(token: str) -> dict[str, str]:
    """Return what JupyterLab is started with: bars and sliders as for a reader, own folders."""
    given = environment.kernel_environment(course.BUILD)
    attended = {name: given[name] for name in given.keys() - environment.UNATTENDED.keys()}
    own = {variable: str(WORK / folder) for variable, folder in FOLDERS.items()}
    return {**attended, **own, "JUPYTER_TOKEN": token}


@contextmanager
def running_lab() -> Iterator[Lab]:
    """Start JupyterLab on the prepared folder; stop it in the end.

    Raises:
        CourseError: it did not start.
    """
    token = secrets.token_hex()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1"]
    command += ["--ServerApp.port=0", f"--ServerApp.root_dir={LESSONS}"]
    command += [
        "--LabApp.extension_manager=readonly",
        *(["--allow-root"] if course.is_root() else []),
    ]
    with LOG.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=LESSONS, env=lab_environment(token), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield Lab(f"http://127.0.0.1:{find_port(process)}", token)
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def find_port(process: subprocess.Popen) -> int:
    """Return the port of a JupyterLab that is starting, once it has noted it."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.2)
        for file in (WORK / "runtime").glob("jpserver-*.json"):
            try:
                return json.loads(file.read_text(encoding="utf-8"))["port"]
            except ValueError:  # not all of it is written yet
                continue
    raise CourseError(f"JupyterLab did not start; see {LOG}")
