"""Show the help of all commands, and the faults of a command line, in the user's language."""

import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from lab_lib import language
from lab_lib.cli.terminal import fail
from lab_lib.language import _, sentences
from lab_lib.workspace import places

# The words of typer that it lets one set. Others, such as "Usage:" and the types, stay English.
WORDS = {
    "ARGUMENTS_PANEL_TITLE": "Arguments",
    "OPTIONS_PANEL_TITLE": "Options",
    "COMMANDS_PANEL_TITLE": "Commands",
    "DEFAULT_STRING": "[default: {}]",
    "REQUIRED_LONG_STRING": "[required]",
}
FAULTS = {  # the most frequent ones, as typer says them; the others are told in typer's English
    r"No such option: (?P<name>\S+)": "There is no option {name}.",
    r"No such option: (?P<name>\S+) \(Possible options: (?P<names>.+)\)": (
        "There is no option {name}. Did you mean {names}?"
    ),
    r"No such command '(?P<name>.*)'\.": "There is no command {name}.",
    r"No such command '(?P<name>.*)'\. Did you mean (?P<names>.+)\?": (
        "There is no command {name}. Did you mean {names}?"
    ),
    r"Got unexpected extra argument\(s\) \((?P<name>.*)\)": "There are too many arguments: {name}.",
    r"Missing (argument|option) '(?P<name>.*)'\.": "{name} is missing.",
    r"Option '(?P<name>.*)' requires an argument\.": "{name} needs a value.",
    r"Invalid value for '(?P<name>.*)': Value error, (?P<value>'.*') is not one of (?P<names>.+)\.": (
        "{name} is {value}; wanted one of {names}."
    ),
}


class CommandLine(TyperGroup):
    """The command `lab` with all its commands."""

    def main(self, args: Sequence[str] | None = None, *arguments: Any, **how: Any) -> None:
        """Run the command line, and end the process."""
        name = _language(sys.argv[1:] if args is None else args)
        if name != language.ENGLISH:
            translate = language.translations(name).gettext
            translated(self, translate)
            _set_words(translate)
        try:
            sys.exit(super().main(args, *arguments, **how | {"standalone_mode": False}))
        except typer.TyperException as error:
            if fault := error.format_message():
                language.use(name)
                fail("UsageError", _told(fault, error), error.exit_code)
            sys.exit(error.exit_code)


def translated(command: Any, replace: Callable[[str], str], parent: Any = None) -> None:
    """Replace the messages in the help of a command and of those below it."""
    from lab_lib.exercises.translation import in_markdown

    context = typer.Context(command, parent, **command.context_settings)
    command.help = in_markdown(command.help, replace)
    if command.rich_help_panel:
        command.rich_help_panel = replace(command.rich_help_panel)
    for parameter in command.get_params(context):
        if parameter.help:
            parameter.help = replace(parameter.help)
    for below in getattr(command, "commands", {}).values():
        translated(below, replace, context)


def _set_words(translate: Callable[[str], str]) -> None:
    """Translate typer's own words, and let it fold a long Chinese line, which has no spaces, instead of cutting it."""
    from typer import rich_utils

    def folding(text: Any, highlight: Any = rich_utils.highlighter) -> Any:
        highlighted = highlight(text)
        highlighted.overflow = "fold"
        return highlighted

    for constant, word in WORDS.items():
        setattr(rich_utils, constant, translate(word))
    rich_utils.highlighter = folding  # type: ignore[assignment]


def _language(args: Sequence[str]) -> str:
    """Return the language as it is known before the command line is read: a workspace that it names is not."""
    option = re.search(r"(?:^| )--lang[ =](\S+)", " ".join(args))
    name = option[1] if option else os.environ.get(language.VARIABLE)
    return name if name in language.names() else language.of_copy(places.copy())


def _told(fault: str, error: Any) -> str:
    """Return what is wrong with a command line, and which help tells more."""
    for pattern, message in FAULTS.items():
        if found := re.fullmatch(pattern, fault):
            fault = _(message, **found.groupdict())
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "lab"
    return sentences(fault, _("See `{command} --help`.", command=command))
