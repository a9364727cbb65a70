"""The built book in Debian's Chromium, from the folder and from the server.

What is missing (the browser, Playwright, the book) skips these tests on a person's machine; where ``CI`` is set it
fails them. `make book` builds the book and installs Playwright, `apt-get install chromium` the browser.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dlbook.commands import book as book_command
from dlbook.paths import checkout

HTML = checkout() / "book" / "_build" / "html"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("browser")


def missing(what: str) -> None:
    """Skip, or fail where nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}（CI 裡不能略過）")
    pytest.skip(what)


@pytest.fixture(scope="session")
def html() -> Path:
    if not (HTML / "search-index.js").is_file():
        missing("needs the book: make book")
    return HTML


@pytest.fixture(scope="session")
def chromium(html: Path) -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("needs Playwright: make book")
    program = os.environ.get("DLBOOK_CHROMIUM") or next(
        filter(None, map(shutil.which, NAMES)), None
    )
    if program is None:
        missing("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(html: Path) -> Iterator[str]:
    """The book as ``dlbook book --serve`` gives it out."""
    running = book_command.serve(html / "index.html")
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}/"
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture(params=["file", "server"])
def start(request: pytest.FixtureRequest, html: Path) -> str:
    """Where the book begins: the folder's address, then the server's."""
    if request.param == "file":
        return f"{html.as_uri()}/"
    return request.getfixturevalue("server")


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open an address in a window of its own; at the end nothing may have gone wrong or gone out."""
    contexts, faults = [], list[str]()

    def watch(page: Any, address: str) -> None:
        home = address.partition("/_build")[0] if address.startswith("file") else "http://127.0.0.1"
        page.on(
            "console",
            lambda m: (
                faults.append(f"{m.type}: {m.text}") if m.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on(
            "requestfailed",  # one is aborted by a download, or by going on before a picture came
            lambda request: (
                faults.append(f"failed: {request.url}")
                if request.failure != "net::ERR_ABORTED"
                else None
            ),
        )
        page.on(
            "response", lambda r: faults.append(f"{r.status}: {r.url}") if r.status >= 400 else None
        )
        page.on(
            "request",
            lambda request: (
                faults.append(f"left the machine: {request.url}")
                if not request.url.startswith((home, "data:", "blob:"))
                else None
            ),
        )

    def open_it(address: str, *, width: int = 1280, height: int = 900, **options: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # another process may need the machine as well
        watch(page, address)
        page.goto(address)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert not faults, "\n".join(faults)


@pytest.fixture
def book(html: Path) -> str:
    """The book in its folder: what most tests read."""
    return f"{html.as_uri()}/"
