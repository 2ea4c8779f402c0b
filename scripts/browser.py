"""Open the lessons in JupyterLab, in headless Chromium, and run them as a reader does.

Called by ``make browser``. Each lesson is opened and run with "Run All Cells". Then it must have
run in order without an error that is not meant, and show the pictures that the stored notebook
shows. Sliders are moved, and the picture must follow them there and back. ``own_lab.py`` keeps the
reader's files and settings out of it, ``verdict.py`` says what a good lesson is.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import own_lab
import verdict
from course import CELL_TIMEOUT, find_notebooks, is_root, read_notebook, run_with_names, sort_out
from ending import CourseError
from own_lab import PATIENCE, Lab

POLL = 2  # seconds between two looks at the kernel
SAVING = 5  # seconds after which a save that was not heeded is asked for again

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = [  # besides those of playwright, which keep Chromium from calling home
    "--disable-gpu",
    "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no other machine has an address
]

# How many pictures each cell shows, in the order of the cells. A broken picture has no width.
PICTURES_SHOWN = """() => [...document.querySelectorAll(".jp-Notebook .jp-Cell")].map(cell =>
    [...cell.querySelectorAll(".jp-OutputArea img")].filter(
        picture => picture.complete && picture.naturalWidth > 0 && picture.checkVisibility()
    ).length)"""
SLIDERS = ".jp-Notebook .widget-slider"
FIRST_PICTURE = 'cell => cell.querySelector(".jp-OutputArea img")?.src'


def find_chromium() -> str:
    """Return the path of Chromium or Chrome.

    Raises:
        CourseError: there is none.
    """
    wanted = os.environ.get("CHROMIUM")
    names = (wanted,) if wanted else CHROMIUM_NAMES
    for name in names:
        if path := shutil.which(name):
            return path
    raise CourseError(
        f"no browser called {' or '.join(names)}: install Chromium (Debian: apt-get install "
        "chromium), or put the path of Chromium or Chrome into the environment variable CHROMIUM"
    )


def load_playwright() -> ModuleType:
    """Return playwright's module, which requirements.txt does not install.

    Raises:
        CourseError: it is not installed.
    """
    try:
        from playwright import sync_api
    except ModuleNotFoundError as error:
        command = f"{sys.executable} -m pip install --no-user -r requirements-checks.txt"
        raise CourseError(f"the package {error.name} is not installed: {command}") from error
    return sync_api


def is_foreign(url: str, home: str) -> bool:
    """Tell whether an address leads to another server than home does (``http://host:port``)."""
    asked = urlsplit(url)
    return asked.scheme not in ("data", "blob") and asked.netloc != urlsplit(home).netloc


class Lesson:
    """A notebook in a page of JupyterLab."""

    def __init__(self, page, lab: Lab, path: Path) -> None:
        self.page, self.lab, self.path = page, lab, path
        self.stored = read_notebook(path)

    def check(self) -> list[str]:
        """Open the lesson, run it, and say what is wrong with it."""
        self.open()
        self.menu("Run", "runmenu:run-all")
        if problems := verdict.run_problems(self.wait_for_run()):
            return problems + self.complaints()
        self.comes_true(
            lambda: not self.picture_problems(), PATIENCE
        )  # the page may lag behind the kernel
        problems = self.picture_problems()
        if verdict.promises_sliders(self.stored) and not problems:
            problems = self.slider_problems()
        return problems + self.complaints()

    def open(self) -> None:
        """Open the notebook in a workspace of its own; wait for its cells and its kernel."""
        address = f"{self.lab.url}/lab/workspaces/{self.path.stem}/tree/{self.path.name}"
        self.page.goto(f"{address}?token={self.lab.token}")
        cells = self.page.locator(".jp-Notebook .jp-Cell")

        def is_ready() -> bool:
            idle = self.lab.kernel(self.path.name).get("execution_state") == "idle"
            return idle and cells.count() == len(self.stored["cells"])

        if not self.comes_true(is_ready, PATIENCE):
            shown = ", ".join([f"the page shows {cells.count()} cells", *self.complaints()])
            raise CourseError(f"the notebook was not ready in {PATIENCE} s: {shown}")

    def menu(self, title: str, command: str) -> None:
        """Choose a command from the menu bar."""
        self.page.locator(".lm-MenuBar-item", has_text=title).click()
        self.page.locator(f'.lm-Menu-item[data-command="{command}"]').click()

    def save(self) -> dict:
        """Save the notebook, and return what was written.

        JupyterLab drops a wish to save while it still has to do with the one before.
        """
        answers = []

        def note(answer) -> None:
            if answer.request.method == "PUT" and f"/api/contents/{self.path.name}" in answer.url:
                answers.append(answer)

        def is_saved() -> bool:
            self.menu("File", "docmanager:save")
            return self.comes_true(lambda: bool(answers), SAVING)

        self.page.on("response", note)
        saved = self.comes_true(is_saved, PATIENCE)
        self.page.remove_listener("response", note)
        if not saved:
            raise CourseError(f"the notebook was not saved in {PATIENCE} s")
        return read_notebook(own_lab.LESSONS / self.path.name)

    def wait_for_run(self) -> dict:
        """Wait until the last cell has been run, or one has failed; return the saved notebook.

        A kernel is idle before it begins and for a moment between two cells, and calls itself idle
        whenever it has answered a widget, even while a cell runs. So two looks must find it idle
        without a message in between, and the saved notebook must bear it out.

        Raises:
            CourseError: the kernel is gone or silent for too long, or JupyterLab complains.
        """
        before, since = {}, time.monotonic()
        while True:
            self.page.wait_for_timeout(1000 * POLL)
            if said := self.complaints():
                raise CourseError(said[0])
            kernel = self.lab.kernel(self.path.name)
            state = kernel.get("execution_state", "gone")
            if state not in ("idle", "busy"):
                raise CourseError(f"the kernel is {state} in the middle of the run")
            if kernel != before:
                before, since = kernel, time.monotonic()
                continue
            if state == "idle" and verdict.has_ended(saved := self.save()):
                return saved
            if time.monotonic() - since > CELL_TIMEOUT:
                raise CourseError(f"a cell is not done, and nothing has come for {CELL_TIMEOUT} s")

    def comes_true(self, condition: Callable[[], bool], patience: float) -> bool:
        """Wait for a condition, and tell whether it came true within so many seconds."""
        end = time.monotonic() + patience
        while not (true := condition()) and time.monotonic() < end:
            self.page.wait_for_timeout(200)
        return true

    def picture_problems(self) -> list[str]:
        """Say which cells do not show their pictures."""
        return verdict.picture_problems(self.stored, self.page.evaluate(PICTURES_SHOWN))

    def complaints(self) -> list[str]:
        """Return what JupyterLab says in dialogs and in notes about errors."""
        found = self.page.locator(".jp-Dialog, .Toastify__toast--error").all_inner_texts()
        return [f"JupyterLab says: {' '.join(text.split())}" for text in found]

    def summary(self) -> str:
        """Return in words what the page shows."""
        cells = f"{len(verdict.code_cells(self.stored))} code cells"
        pictures = f"{sum(self.page.evaluate(PICTURES_SHOWN))} pictures"
        sliders = self.page.locator(SLIDERS).count()
        return ", ".join([cells, pictures, *([f"{sliders} sliders"] if sliders else [])])

    def slider_problems(self) -> list[str]:
        """Move each slider; say what is wrong with the first one that its picture ignores."""
        sliders = self.page.locator(SLIDERS).all()
        if not sliders:
            return ["the lesson promises sliders, and the page shows none"]
        for slider in sliders:
            if problem := self.slider_problem(slider):
                return [problem]
        return []

    def slider_problem(self, slider) -> str:
        """Move a slider one step up and down again; say whether the picture does not follow."""
        cell = slider.locator("xpath=ancestor::div[contains(@class, 'jp-CodeCell')]")
        name, handle = slider.locator(".widget-label").inner_text(), slider.get_by_role("slider")

        def value() -> str:
            return handle.get_attribute("aria-valuetext")

        def picture() -> tuple | None:
            return verdict.pixels(cell.evaluate(FIRST_PICTURE))

        at_first, drawn_first = value(), picture()
        handle.press("ArrowRight")
        if not self.comes_true(lambda: picture() not in (None, drawn_first), PATIENCE):
            return f"slider {name!r} went from {at_first} to {value()}: the picture did not change"
        handle.press("ArrowLeft")
        if not self.comes_true(lambda: picture() == drawn_first, PATIENCE):
            return f"slider {name!r} went back to {value()}: the picture is not the first again"
        return ""


def check_lesson(browser, lab: Lab, path: Path, page_error: type[Exception]) -> bool:
    """Check one lesson, print what came of it, and tell whether all is well."""
    print(f"{path.stem} ... ", end="", flush=True)
    start, foreign = time.perf_counter(), set()

    def leads_away(url: str) -> bool:
        if found := is_foreign(url, lab.url):
            foreign.add(url)
        return found

    context = browser.new_context(service_workers="block")
    context.route(leads_away, lambda route: route.abort())
    page = context.new_page()
    page.on("websocket", lambda socket: leads_away(socket.url))
    lesson = Lesson(page, lab, path)
    try:
        problems = lesson.check()
    except (CourseError, page_error) as error:
        problems = [str(error).splitlines()[0]]
    problems += [f"the page asked another server: {url}" for url in sorted(foreign)]
    print(f"{time.perf_counter() - start:.0f} s, {lesson.summary()}", end="")
    print(", FAILED" if problems else "", flush=True)
    for problem in problems:
        print(f"{path.stem}: {problem}", file=sys.stderr, flush=True)
    if problems:
        page.screenshot(path=own_lab.WORK / f"{path.stem}.png")
    context.close()
    lab.stop_kernel(path.name)
    return not problems


def check_lessons(names: list[str]) -> int:
    """Check lessons in a browser; return the exit code."""
    paths, unreadable = sort_out(find_notebooks(names))
    playwright, chromium = load_playwright(), find_chromium()
    own_lab.prepare(list(paths))
    with own_lab.running_lab() as lab, playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(
                executable_path=chromium,
                chromium_sandbox=not is_root(),
                args=CHROMIUM_FLAGS,
            )
            good = [check_lesson(browser, lab, path, playwright.Error) for path in paths]
            browser.close()
        except playwright.Error as error:
            raise CourseError(f"{chromium} failed: {error}") from error
    if not all(good):
        print(f"What was seen is in {own_lab.WORK}", file=sys.stderr)
    return 0 if all(good) and not unreadable else 1


if __name__ == "__main__":
    sys.exit(run_with_names(check_lessons, "Run the lessons in JupyterLab, in a browser."))
