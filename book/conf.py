"""Sphinx configuration of the web book; ``dlbook book`` copies it beside the notebooks."""

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
