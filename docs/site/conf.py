"""How Sphinx builds the site of the pages in README.md and docs/: `make docs`.

The sources begin at the root of the checkout, so that every link between pages is followed, and one that leads nowhere
is an error. Links to other files become downloads.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

project = "fpgaq"
author = "the authors of fpgaq"
version = release = re.findall(r'__version__ = "(.+)"', (ROOT / "fpgaq/base/version.py").read_text(encoding="utf-8"))[0]

extensions = ["myst_parser"]
root_doc = "docs/site/index"
source_suffix = {".md": "markdown"}
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "examples/**.md", "benchmarks/README.md", "docs/**"]
exclude_patterns = ["build", ".*", "fpgaq", "hdl_tests", "tests", "templates", "scripts", "docs/site/requirements.txt"]

# Headings are link targets by the names that Markdown's viewers give them.
myst_heading_anchors = 4
# Pages begin at any level below their title; nothing of them is a Sphinx directive.
highlight_language = "none"
# A block of commands may hold placeholders, which no lexer knows.
pygments_style = "default"

html_theme = "furo"
html_title = f"fpgaq {release}"
html_copy_source = False
# From the root of the site to its first page.
html_extra_path = ["index.html"]
html_show_copyright = False
# The same bytes from the same pages.
html_last_updated_fmt = None
