"""The lessons in JupyterLab, in headless Chromium, used as a reader does (`make browser`)."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from course.notebook import read_notebook
from course.places import find_notebooks
from course.rules.pictures import is_picture
from course.rules.structure import errors_only_where_tagged, executed_in_order, nothing_on_stderr
from tests.browser.conftest import PATIENCE, Lab

expect.set_options(timeout=1000 * PATIENCE)

LONGEST = 20 * 60  # seconds for a lesson

# How many pictures each cell shows, in the order of the cells. A broken picture has no width.
PICTURES_SHOWN = """() => [...document.querySelectorAll(".jp-Notebook .jp-Cell")].map(cell =>
    [...cell.querySelectorAll(".jp-OutputArea img")].filter(
        picture => picture.complete && picture.naturalWidth > 0 && picture.checkVisibility()
    ).length)"""
# As the server knows it: the page says so before it can run anything.
KERNEL_IS_IDLE = """async () => (await (await fetch("/api/sessions")).json()).some(
    session => session.kernel?.execution_state == "idle")"""
# The last cell has its number, or one failed that is not among so many that are meant to, or
# JupyterLab has something to say.
RUN_HAS_ENDED = """meant =>
    /\\d/.test([...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")].at(-1).textContent)
    || document.querySelectorAll('[data-mime-type="application/vnd.jupyter.error"]').length > meant
    || document.querySelector(".jp-Dialog")"""
COMPLAINTS = ".jp-Dialog, .Toastify__toast--error"


def choose(page: Page, menu: str, command: str) -> None:
    """Choose a command from the menu bar."""
    page.locator(".lm-MenuBar-item", has_text=menu).click()
    page.locator(f'.lm-Menu-item[data-command="{command}"]').click()


def wait_until_shown(page: Page, pictures: list[int]) -> None:
    """Wait until each cell shows so many pictures; the page may lag behind the kernel."""
    page.wait_for_function(f"wanted => `${{({PICTURES_SHOWN})()}}` == `${{wanted}}`", arg=pictures)


@pytest.fixture
def foreign(page: Page, lab: Lab) -> set[str]:
    """The addresses on other machines that the page asks for, each in vain."""
    asked, home = set(), urlsplit(lab.url).netloc

    def leads_away(url: str) -> bool:
        parts = urlsplit(url)
        if away := parts.netloc != home and parts.scheme not in ("data", "blob"):
            asked.add(url)
        return away

    page.context.route(leads_away, lambda route: route.abort())
    page.on("websocket", lambda socket: leads_away(socket.url))
    return asked


@pytest.mark.parametrize("path", find_notebooks(), ids=lambda path: path.stem)
def test_a_lesson_runs_and_its_sliders_move(page: Page, lab: Lab, foreign: set[str], path):
    """Run in order without an error that is not meant, with the stored pictures, and no others."""
    page.set_default_timeout(1000 * PATIENCE)
    stored = read_notebook(path)
    page.goto(f"{lab.url}/lab/workspaces/{path.stem}/tree/{path.name}?token={lab.token}")
    expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(len(stored["cells"]))
    expect(page.locator("#jp-main-statusbar")).to_contain_text("(ipykernel) | Idle")
    page.wait_for_function(KERNEL_IS_IDLE)

    choose(page, "Run", "runmenu:run-all")
    meant = sum("raises-exception" in cell["metadata"].get("tags", []) for cell in stored["cells"])
    page.wait_for_function(RUN_HAS_ENDED, arg=meant, timeout=1000 * LONGEST)
    with page.expect_response(lambda r: r.request.method == "PUT" and path.name in r.url):
        choose(page, "File", "docmanager:save")
    saved = read_notebook(lab.lessons / path.name)
    for rule in (executed_in_order, nothing_on_stderr, errors_only_where_tagged):
        assert rule(saved) == []

    wait_until_shown(page, [sum(map(is_picture, c.get("outputs", []))) for c in stored["cells"]])
    sliders = page.locator(".jp-Notebook .widget-slider")
    if any("interact(" in cell["source"] for cell in stored["cells"]):
        expect(sliders.first).to_be_visible()
    for slider in sliders.all():
        cell = slider.locator("xpath=ancestor::div[contains(@class, 'jp-CodeCell')]")
        picture = cell.locator(".jp-OutputArea img").first
        at_first = picture.get_attribute("src")
        slider.get_by_role("slider").press("ArrowRight")
        expect(picture).not_to_have_attribute("src", at_first)
        slider.get_by_role("slider").press("ArrowLeft")
        expect(picture).to_have_attribute("src", at_first)

    assert page.locator(COMPLAINTS).all_inner_texts() == []
    assert foreign == set()
