"""Formulas become MathML, and what the converter doesn't know stops the book."""

import importlib.util
from types import ModuleType

import pytest

from dlbook import paths

nodes = pytest.importorskip("docutils.nodes", reason="needs the book's packages: make book")
pytest.importorskip("latex2mathml", reason="needs the book's packages: make book")
pytest.importorskip("sphinx", reason="needs the book's packages: make book")


@pytest.fixture(scope="module")
def extension() -> ModuleType:
    """``book/extension.py``, that Sphinx loads from its folder."""
    path = paths.checkout() / "book" / "extension.py"
    spec = importlib.util.spec_from_file_location("book_extension", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("latex", "inside"),
    [
        (r"\arg max q", "<mo>arg</mo>"),
        (r"\arg\max_q", "<mo>arg</mo>"),
        (r"\arg\min", "<mo>arg</mo>"),
        (r"I^\*", "&#x0002A;"),
        (r"w^\*x", "&#x0002A;"),
        (r"\begin{align} a &= b \\ c &= d \end{align}", "<mtr>"),
    ],
)
def test_a_formula(extension: ModuleType, latex: str, inside: str) -> None:
    formula = extension._formula(nodes.math(latex, latex))
    assert inside in formula
    assert "\\" not in formula
    assert "&#x0005C;" not in formula


@pytest.mark.parametrize(
    "latex", [r"\unheardof x", r"\argument", r"\begin{aligned} a &= b \end{aligned}"]
)
def test_an_unknown_command_is_refused(extension: ModuleType, latex: str) -> None:
    with pytest.raises(ValueError, match="不認得"):
        extension._formula(nodes.math(latex, latex))
