"""``dlbook book``: the executed notebooks and the generated pages as a web book, made by Sphinx."""

import shutil
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

from dlbook.errors import CourseError
from dlbook.paths import checkout


def build() -> Path:
    """Build the book of the ready lessons anew; its first page.

    Raises:
        CourseError: Sphinx is missing or the build failed.
    """
    if find_spec("myst_nb") is None:
        raise CourseError('缺少建書的套件。請執行 make book，或 pip install -e ".[book]"。')
    book = checkout() / "book"
    source, output = book / "_build" / "source", book / "_build" / "html"
    shutil.rmtree(book / "_build", ignore_errors=True)
    extras = gather(source)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    if subprocess.call([*command, "-c", str(book), str(source), str(output)]):
        raise CourseError("網頁書沒有建成（原因見上）。")
    _add(extras, output)
    return output / "index.html"


def serve(first_page: Path, port: int = 0) -> ThreadingHTTPServer:
    """A server for this machine alone; ``serve_forever`` starts it. Port 0: any free one.

    Raises:
        CourseError: the port is taken.
    """
    handler = partial(_Quiet, directory=str(first_page.parent))
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise CourseError(f"連接埠 {port} 不能用（{error.strerror}）；用 --port 換一個。") from None


class _Quiet(SimpleHTTPRequestHandler):
    """Says nothing about each request, and lets no browser keep an old page."""

    def log_message(self, format: str, *args: object) -> None:
        pass

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


def gather(source: Path) -> dict[str, str | bytes]:
    """Write everything that Sphinx reads; what is copied into the book afterwards."""
    from dlbook.web.pages import extras, prepared, sources
    from dlbook.web.site import Site

    site = Site.here()
    files: dict[str, str | bytes] = {**sources(site)}
    for lesson in site.notebooks:
        files[f"{lesson}.ipynb"] = prepared(site, lesson)
    _add(files, source)
    return extras(site)


def _add(files: dict[str, str | bytes], folder: Path) -> None:
    """Write files below a folder, and the search index of a finished book."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if (folder / "search.html").is_file():
        from dlbook.web.search_index import index_folder

        (folder / "search-index.js").write_text(index_folder(folder), "utf-8")
