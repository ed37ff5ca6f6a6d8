"""The Sphinx extension: the directive `generated`, whose text is made from the code."""

from typing import Any

import django
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from docs.generated.language import Language, Untranslated


def language_of(config: Config) -> Language:
    """The tree that is being built."""
    return Language.ZH if config.language == "zh_CN" else Language.EN


class Generated(SphinxDirective):
    """`{generated} name`: the page's part that `docs.generated.pages` makes."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """The made Markdown, parsed where the directive stands."""
        from docs.generated.pages import PAGES  # Django is set up by then

        language = language_of(self.config)
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
    app.connect("html-page-context", _link_the_other_language)
    # What is made from the code is newer than any page Sphinx has kept.
    app.connect("env-get-outdated", _all_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _all_pages(app: Sphinx, environment: Any, *changes: set[str]) -> list[str]:
    return sorted(environment.found_docs)


def _link_the_other_language(
    app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: object
) -> None:
    """A bar on top that leads to the same page of the other tree."""
    is_chinese = language_of(app.config) is Language.ZH
    tree, name = ("en", "English") if is_chinese else ("zh", "中文")
    up = "../" * (page.count("/") + 1)
    context["theme_announcement"] = f'<a href="{up}{tree}/{page}.html">{name}</a>'
