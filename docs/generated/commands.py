"""The management commands, from their own parsers."""

import argparse
from collections.abc import Iterator

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.core.management.commands import migrate

from docs.generated.chinese import translated
from docs.generated.language import Language, pick
from docs.generated.markdown import code, table

OURS = ("merchants", "vouchers")
# Django's own options, which every command has.
COMMON = {action.dest for action in BaseCommand().create_parser("", "")._actions}


def own_commands() -> Iterator[tuple[str, BaseCommand]]:
    """Name and command, by name."""
    for name, app in sorted(get_commands().items()):
        if app in OURS:
            yield name, load_command_class(app, name)


def commands(language: Language) -> str:
    """A section for each, with its arguments."""
    return "\n".join(_section(name, command, language) for name, command in own_commands())


def arguments_of(name: str, command: BaseCommand) -> list[argparse.Action]:
    """What the command itself takes; for one that extends a command of Django, nothing."""
    if isinstance(command, migrate.Command):
        return []
    parser = command.create_parser("manage.py", name)
    return [action for action in parser._actions if action.dest not in COMMON]


def _section(name: str, command: BaseCommand, language: Language) -> str:
    lines = [f"## {code(name)}", "", translated(" ".join(str(command.help).split()), language), ""]
    rows = [_row(action, language) for action in arguments_of(name, command)]
    if rows:
        lines.append(table(pick(language, "argument|meaning", "参数|含义").split("|"), rows))
    return "\n".join(lines) + "\n"


def _row(action: argparse.Action, language: Language) -> tuple[str, str]:
    shown = " ".join(action.option_strings) or str(action.metavar or action.dest)
    if action.option_strings and action.nargs != 0:
        shown = f"{shown} {action.metavar or action.dest.upper()}"
    help_text = (action.help or "") % vars(action) if action.help else ""
    if action.choices:
        names = ", ".join(map(str, action.choices))
        help_text = f"{translated(help_text, language)} ({names})" if help_text else names
        return code(shown), help_text
    return code(shown), translated(help_text, language)
