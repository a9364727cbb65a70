"""Rich output that a notebook shows and a terminal prints; machine-readable data ride along."""

from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import display


def in_notebook() -> bool:
    """Is there a kernel whose front end can show rich output?"""
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def show_html(text: str, html: str, data: dict[str, Any]) -> None:
    """Show ``html``, or ``text`` where HTML can't be shown; ``data`` goes into the metadata.

    The runner reads ``output.metadata["dlbook"]`` back after a notebook has been executed.
    """
    if in_notebook():
        bundle = {"text/plain": text, "text/html": html}
        display(bundle, metadata={"dlbook": data}, raw=True)
    else:
        print(text)


def show_png(png: bytes, alt: str) -> None:
    """Show a picture with its alternative text; in a terminal, only the text."""
    if in_notebook():
        bundle = {"image/png": png, "text/plain": alt}
        display(bundle, metadata={"image/png": {"alt": alt}, "dlbook": {"alt": alt}}, raw=True)
    else:
        print(f"〔圖〕{alt}")
