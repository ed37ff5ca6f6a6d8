"""Sphinx's settings for both languages: `-D language=en` or `-D language=zh_CN` chooses one.

Nothing is fetched while building: no intersphinx, no fonts, no scripts from elsewhere.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

project = "Huimin 惠民"
author = "Huimin"
project_copyright = "Apache-2.0"

extensions = ["myst_parser", "docs.generated.extension"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence", "deflist", "attrs_block"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = project
html_static_path = [str(ROOT / "docs" / "static")]
html_css_files = ["huimin.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1d4ed8",
        "color-brand-content": "#1d4ed8",
    },
    "dark_css_variables": {
        "color-brand-primary": "#93b4ff",
        "color-brand-content": "#93b4ff",
    },
}
