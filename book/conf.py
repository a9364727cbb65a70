"""Sphinx configuration of the web book; ``dlbook book`` gathers the pages and calls Sphinx with it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # extension.py

project = "深度學習"
author = "dlbook contributors"
project_copyright = "2026, dlbook contributors"
language = "zh_TW"

extensions = ["myst_nb", "extension"]
nb_execution_mode = "off"  # the notebooks are executed by `dlbook run --write`
nb_merge_streams = True
nb_code_prompt_show = "先檢查環境的程式"
nb_code_prompt_hide = "收起"
myst_enable_extensions = ["dollarmath", "amsmath"]
suppress_warnings = ["mystnb.unknown_mime_type"]

html_theme = "furo"
html_title = project
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
html_domain_indices = False
html_additional_pages = {"search": "search.html"}
html_favicon = "static/dl-icon.svg"
html_static_path = ["static"]
html_css_files = ["dl-book.css", "dl-pages.css", "dl-playgrounds.css"]
html_js_files = ["dl-book.js"]
templates_path = ["templates"]
pygments_style = "github-light-high-contrast"  # of accessible-pygments
pygments_dark_style = "github-dark-high-contrast"
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}

_CJK = '"Noto Sans TC", "Noto Sans CJK TC", "Source Han Sans TC", "PingFang TC", "Microsoft JhengHei", sans-serif'
_SHARED = {
    "font-stack": f'system-ui, -apple-system, "Segoe UI", Roboto, {_CJK}',
    "font-stack--monospace": f'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace, {_CJK}',
    "font-stack--headings": f'system-ui, -apple-system, "Segoe UI", Roboto, {_CJK}',
}
_LIGHT = {
    "color-brand-primary": "#0b5f8a",
    "color-brand-content": "#0b5f8a",
    "color-brand-visited": "#0b5f8a",
    "color-foreground-primary": "#1d2329",
    "color-foreground-secondary": "#4f5b66",
    "color-foreground-muted": "#5f6b76",
    "color-foreground-border": "#7d8892",
    "color-background-primary": "#ffffff",
    "color-background-secondary": "#f7f8f9",
    "color-background-hover": "#eef2f5",
    "color-background-border": "#e3e7ea",
    "color-sidebar-background": "#f7f8f9",
}
_DARK = {
    "color-brand-primary": "#7cc4ee",
    "color-brand-content": "#7cc4ee",
    "color-brand-visited": "#7cc4ee",
    "color-foreground-primary": "#dfe4e8",
    "color-foreground-secondary": "#aab4bd",
    "color-foreground-muted": "#9aa5ae",
    "color-foreground-border": "#76828c",
    "color-background-primary": "#14181c",
    "color-background-secondary": "#1a1f24",
    "color-background-hover": "#222930",
    "color-background-border": "#2c343b",
    "color-sidebar-background": "#171c20",
}
html_theme_options = {
    "light_css_variables": _SHARED | _LIGHT,
    "dark_css_variables": _DARK,
    "top_of_page_buttons": [],
}
