"""``dlbook book --serve``: a server for this machine, a readable error where it can't start."""

import threading
from pathlib import Path
from urllib.request import urlopen

import pytest

from dlbook.commands import book
from dlbook.errors import CourseError


def test_it_gives_out_the_folder_to_this_machine_alone(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("書", "utf-8")
    server = book.serve(tmp_path / "index.html")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        assert server.server_address[0] == "127.0.0.1"
        with urlopen(f"http://127.0.0.1:{server.server_port}/index.html") as answer:
            assert answer.read().decode() == "書"
            assert answer.headers["Cache-Control"] == "no-cache"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    server = book.serve(tmp_path / "index.html")
    with pytest.raises(CourseError, match="--port"):
        book.serve(tmp_path / "index.html", server.server_port)
    server.server_close()
