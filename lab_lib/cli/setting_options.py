"""Give commands their options: the settings of a lab to those that open one, the workspace and the language to all."""

import functools
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lab_lib import language
from lab_lib.cli.terminal import handle_errors
from lab_lib.settings import PLACE, SETTINGS
from lab_lib.workspace import places

Settings = dict[str, str]
Command = Callable[..., None]


def takes(*names: str) -> Callable[[Command], Command]:
    """Give a command these settings as options, before its own. It gets them as its parameter `settings`."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def call(**values: Any) -> None:
            command({name: values.pop(name) for name in names}, **values)

        options = [_option(name, "", Annotated[str, typer.Option(help=SETTINGS[name].help)]) for name in names]
        _settings, *own = inspect.signature(command).parameters.values()
        call.__signature__ = inspect.Signature([*options, *own])  # type: ignore[attr-defined]  # typer reads it
        return call

    return decorate


def as_options(settings: Settings) -> str:
    """Return the settings that say where the lab is, as options without their values, which are private."""
    return "".join(f" --{name.replace('_', '-')} …" for name in PLACE if settings.get(name))


def in_workspace(command: Command, before_all: bool = False) -> Command:
    """Give a command the options --workspace and --lang, and print its errors.

    The options hold in the processes that it starts too. What comes `before_all` commands leaves it to them to find the
    language of the copy in their workspace.
    """

    @functools.wraps(command)
    def call(workspace: Path | None, lang: str | None, **values: Any) -> None:
        with handle_errors():
            place = workspace.absolute() if workspace else places.workspace()
            os.environ[places.WORKSPACE] = str(place)
            if lang:
                language.use(lang)
            elif not before_all:
                language.used(places.copy())
            command(**values)

    folder = typer.Option(
        help="The folder in which you work, with my-lab and runs; the current one by default.", file_okay=False
    )
    name = typer.Option(
        help="The language of notebooks and messages, such as zh_CN or en; by default that of your copy."
    )
    options = [
        _option("workspace", None, Annotated[Path | None, folder]),
        _option("lang", None, Annotated[Literal[tuple(language.names())] | None, name]),
    ]
    own = inspect.signature(command).parameters.values()
    call.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
    return call


def _option(name: str, default: Any, kind: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=kind)
