"""`python -m docs`: build both languages into the local directory's `docs`; warnings are errors."""

import shutil
import sys
from pathlib import Path

from sphinx.cmd.build import main as sphinx_build

from config.embedded import local_dir

SOURCES = Path(__file__).parent
LANGUAGES = {"en": "en", "zh": "zh_CN"}
ENTRANCE = """\
<!doctype html>
<meta charset="utf-8">
<title>Huimin 惠民</title>
<p><a href="zh/index.html">中文文档</a> · <a href="en/index.html">English documentation</a></p>
"""


def main() -> int:
    """Exit code 1 if either language has a warning."""
    output = local_dir() / "docs"
    shutil.rmtree(output, ignore_errors=True)
    codes = [build(tree, language, output / tree) for tree, language in LANGUAGES.items()]
    (output / "index.html").write_text(ENTRANCE, encoding="utf-8")
    return int(any(codes))


def build(tree: str, language: str, output: Path) -> int:
    """One language; Sphinx's exit code. `-n` also warns of references that lead nowhere."""
    strict = ["-q", "-n", "-W", "--keep-going", "-b", "html", "-D", f"language={language}"]
    return sphinx_build([*strict, "-c", str(SOURCES), str(SOURCES / tree), str(output)])


if __name__ == "__main__":
    sys.exit(main())
