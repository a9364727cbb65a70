"""What typer says about a misused command, in Chinese and with a way on."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from typer.exceptions import TyperException

# By the name of typer's exception; these classes are not part of its public interface.
_SENTENCES: dict[str, Callable[[Any], str]] = {
    "NoSuchOption": lambda error: f"沒有 {error.option_name} 這個選項。",
    "BadOptionUsage": lambda error: f"選項 {error.option_name} 的用法不對（{error.message}）。",
    "MissingParameter": lambda error: f"少了參數 {_name(error)}。",
    "BadParameter": lambda error: f"參數 {_name(error)} 的值不對（{error.message.rstrip('.')}）。",
}


def explain(error: TyperException) -> str:
    """A paragraph; nothing where the help has been shown already, for want of arguments."""
    kind = type(error).__name__
    if kind == "NoArgsIsHelpError":
        return error.format_message().strip()
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "dlbook"
    commands = getattr(context.command, "commands", {}) if context is not None else {}
    wrong = error.message.partition("'")[2].partition("'")[0]
    if kind in _SENTENCES:
        sentence = _SENTENCES[kind](error)
    elif commands:
        close = get_close_matches(wrong, commands, n=1)
        sentence = f"沒有 {wrong} 這個命令。" + (f"你是不是要用 {close[0]}？" if close else "")
    else:
        sentence = f"命令的用法不對（{error.message.rstrip('.')}）。"
    return f"dlbook：{sentence}用法請看 {command} --help。"


def _name(error: Any) -> str:
    """The parameter as it is typed."""
    options = [option for option in error.param.opts if option.startswith("-")]
    return options[0] if options else error.param.name.upper()
