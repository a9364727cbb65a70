"""The built book in Debian's Chromium, from the folder and from the server.

What is missing (the browser, Playwright, the book) skips these tests on a person's machine; where ``CI`` is set it
fails them. `make book` builds the book and installs Playwright, `apt-get install chromium` the browser.
A book that is older than what it is made from fails them everywhere.
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
from dlbook.web.playgrounds import find

SOURCES = ("book", "notebooks", "records", "src/dlbook/web", "src/dlbook/curriculum.toml")
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, and run them last: Playwright keeps an event loop running until the session ends."""
    ours = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in ours:
        item.add_marker("browser")
    items.sort(key=lambda item: item in ours)


def missing(what: str) -> None:
    """Skip, or fail where nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}（CI 裡不能略過）")
    pytest.skip(what)


def newer(root: Path, built: float) -> list[str]:
    """The sources of the book that changed after it was built."""
    every = [file for name in SOURCES for file in [root / name, *(root / name).rglob("*.*")]]
    made = {"_build", "__pycache__", ".ipynb_checkpoints"}
    read = [file for file in every if file.is_file() and not made & set(file.parts)]
    return [str(file.relative_to(root)) for file in read if file.stat().st_mtime > built]


def fresh(root: Path) -> Path:
    """The built book, if there is one and it is not older than its sources."""
    html = root / "book" / "_build" / "html"
    index = html / "search-index.js"  # written last
    if not index.is_file():
        missing("needs the book: make book")
    if changed := newer(root, index.stat().st_mtime):
        pytest.fail(f"the book is older than {changed[0]}: make book")
    return html


@pytest.fixture(scope="session")
def check_book() -> Callable[[Path], Path]:
    """What the next fixture does, for another checkout."""
    return fresh


@pytest.fixture(scope="session")
def html() -> Path:
    return fresh(checkout())


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


@pytest.fixture
def play(open_page: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
    """Open a lesson's page at one of its playgrounds: the page, and the playground."""

    def opened(start: str, name: str, **options: Any) -> tuple[Any, Any]:
        playground = find(name)
        page = open_page(f"{start}{playground.lesson}.html", **options)
        box = page.locator(f"#{playground.anchor}")
        box.scroll_into_view_if_needed()
        page.wait_for_selector(f"#{playground.anchor}[data-ready]")
        return page, box

    return opened


@pytest.fixture
def ink() -> Callable[..., str]:
    """What a canvas shows."""

    def drawn(box: Any, canvas: str = "canvas") -> str:
        return box.locator(canvas).evaluate("canvas => canvas.toDataURL()")

    return drawn


@pytest.fixture
def width() -> Callable[[Any], int]:
    """How wide a page is, with what its frames cut off at the side."""

    def measured(page: Any) -> int:
        return page.evaluate(
            "Math.max(...['html', '.content'].map(name => document.querySelector(name).scrollWidth))"
        )

    return measured
