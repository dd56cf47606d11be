"""Give commands their options: the settings of a lab to those that open one, the workspace and the language to all."""

import functools
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from lab_lib import language
from lab_lib.cli.terminal import handle_errors
from lab_lib.errors import UsageError
from lab_lib.workspace import places

Settings = dict[str, str]
Command = Callable[..., None]
PLACE = ("account", "profile", "region", "prefix")
ALERTS = ("threshold", "email", "phone")
MANAGED = ("processor_role", "notifier_role", "bucket")
_HELP = {
    "account": "The account's twelve digits. Required with --profile.",
    "profile": "A profile of your AWS configuration; runs on AWS, which costs money.",
    "region": "The AWS Region; us-east-1 by default.",
    "prefix": "Goes before every name, so that several people can share an account.",
    "threshold": "Alerts go out when a total reaches this amount; 1500 by default.",
    "email": "Alerts go to this e-mail address too.",
    "phone": "Alerts go to this number too, by SMS.",
    "processor_role": "A role that exists, for TransactionProcessor; its name or ARN.",
    "notifier_role": "A role that exists, for TotalNotifier; it may be the same.",
    "bucket": "A bucket that exists. The lab only adds its trigger, and removes it.",
    "boundary": "A managed policy: the permissions boundary of the roles that the lab makes.",
}


def takes(*names: str) -> Callable[[Command], Command]:
    """Give a command these settings as options, before its own. It gets them as its parameter `settings`."""

    def decorate(command: Command) -> Command:
        parameters = dict(inspect.signature(command).parameters)
        del parameters["settings"]

        @functools.wraps(command)
        def call(**values: Any) -> None:
            command({name: values.pop(name) for name in names}, **values)

        options = [_keyword(name, "", Annotated[str, typer.Option(help=_HELP[name])]) for name in names]
        call.__signature__ = inspect.Signature([*options, *parameters.values()])  # type: ignore[attr-defined]  # typer reads it
        return call

    return decorate


def as_options(settings: Settings) -> str:
    """Return the settings that say where the lab is, as options without their values, which are private."""
    return "".join(f" --{name.replace('_', '-')} …" for name in (*PLACE, *MANAGED) if settings.get(name))


def in_workspace(command: Command, before_all: bool = False) -> Command:
    """Give a command the options --workspace and --lang. They hold in the processes that it starts too.

    What comes `before_all` commands leaves it to them to find the language of the copy in their workspace.
    """

    @functools.wraps(command)
    def call(workspace: Path | None, lang: str, **values: Any) -> None:
        with handle_errors():
            os.environ[places.WORKSPACE] = str(workspace.absolute() if workspace else places.workspace())
            if lang or not before_all:
                try:
                    language.use(lang or os.environ.get(language.VARIABLE) or language.of_copy(places.copy()))
                except ValueError as error:
                    raise UsageError(str(error)) from None
        command(**values)

    about = "The folder in which you work, with my-lab and runs; the current one by default."
    folder = Annotated[Path | None, typer.Option(help=about, file_okay=False)]
    about = "The language of notebooks and messages, such as zh_CN or en; by default that of your copy."
    name = Annotated[str, typer.Option(help=about, metavar="LANGUAGE")]
    parameters = [*inspect.signature(command).parameters.values(), _keyword("workspace", None, folder)]
    call.__signature__ = inspect.Signature([*parameters, _keyword("lang", "", name)])  # type: ignore[attr-defined]  # typer reads it
    return call


def _keyword(name: str, default: Any, kind: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=kind)
