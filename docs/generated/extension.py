"""The Sphinx extension: the directive `generated`, whose text is made from the code."""

from typing import Any

import django
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from docs.generated.language import Language, Untranslated


class Generated(SphinxDirective):
    """`{generated} name`: the page's part that `docs.generated.pages` makes."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """The made Markdown, parsed where the directive stands."""
        from docs.generated.pages import PAGES  # Django is set up by then

        language = Language.ZH if self.config.language == "zh_CN" else Language.EN
        try:
            text = PAGES[self.arguments[0]](language)
        except Untranslated as untranslated:
            raise self.error(str(untranslated)) from untranslated
        parsed: list[nodes.Node] = self.parse_text_to_nodes(text, allow_section_headings=True)
        return parsed


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    django.setup()
    app.add_directive("generated", Generated)
    # What is made from the code is newer than any page Sphinx has kept.
    app.connect("env-get-outdated", _all_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _all_pages(app: Sphinx, environment: Any, *changes: set[str]) -> list[str]:
    return sorted(environment.found_docs)
