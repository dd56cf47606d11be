"""Chromium, for the tests that look at what a learner or an instructor sees; without it they are skipped."""

import shutil
from collections.abc import Iterator

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")  # Playwright holds the event loop, which tests of kernels in the same process need
def browser() -> Iterator[object]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser) -> Iterator[object]:
    """visit(path, size, colours): the page; page.asked lists its requests, and all that its dialogs say."""
    contexts = []

    def visit(path, size, colours, also=()):
        contexts.append(browser.new_context(viewport=size, color_scheme=colours))
        page = contexts[-1].new_page()
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("dialog", lambda dialog: page.asked.append(dialog.message))
        for event in also:
            page.on(event, lambda said: page.asked.append(str(said)))
        page.goto(path.as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()
