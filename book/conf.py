"""Sphinx configuration of the web book; ``dlbook book`` copies it beside the notebooks."""

from docutils import nodes
from latex2mathml.converter import convert

project = "深度學習"
author = "dlbook contributors"
project_copyright = "2026, dlbook contributors"
language = "zh_TW"

extensions = ["myst_nb"]
nb_execution_mode = "off"  # the notebooks are executed by `dlbook run --write`
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath"]
suppress_warnings = ["myst.header", "myst.xref_missing", "mystnb.unknown_mime_type"]

html_theme = "furo"
html_title = project
html_math_renderer = "mathml"


def _inline(self, node):
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _block(self, node):
    self.body.append(convert(node.astext(), display="block"))
    raise nodes.SkipNode


def setup(app):
    """Formulas become MathML while the book is built: no script, no fonts, nothing fetched."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
