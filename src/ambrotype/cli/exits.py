"""How a command ends: exit codes, and one sentence for whatever went wrong."""

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence

import typer

from ambrotype.cli import commands
from ambrotype.core import errors

FAILED = 1
USAGE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141
TERMINATED = 143


class WrongUse(errors.AmbrotypeError):
    """Options that do not go together, or an input that can't be read."""

    code = "wrong_use"


_WRONG_USE = (WrongUse, errors.InvalidSetting, errors.InvalidRequest)


def run(arguments: Sequence[str]) -> int:
    """Runs a command line and returns its exit code. Whatever goes wrong is one sentence on stderr."""
    try:
        command = typer.main.get_command(commands.build())
        code = command.main(args=list(arguments), prog_name="ambrotype", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):  # the parser ends so when stdout is closed, and only then
        silence()
        return BROKEN_PIPE
    except errors.AmbrotypeError as problem:
        return _fail(problem.detail, USAGE if isinstance(problem, _WRONG_USE) else FAILED)
    except typer.TyperException as problem:
        return _usage(problem)
    except OSError as problem:
        where = f" ({problem.filename})" if problem.filename else ""
        return _fail(f"{problem.strerror or type(problem).__name__}{where}.", FAILED)
    except Exception as problem:
        return _fail(_unexpected(problem), FAILED)
    return code if isinstance(code, int) else 0


def silence() -> None:
    """The reader of stdout has gone; so does all that Python would still flush into it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(sentence: str, code: int) -> int:
    print(f"Error: {sentence}", file=sys.stderr)
    return code


def _usage(problem: typer.TyperException) -> int:
    """An option that the parser refused. Typer keeps its parser private: what is used here is looked for."""
    sentence = str(getattr(problem, "format_message", lambda: problem)()).strip().replace("\n", " ")
    context = getattr(problem, "ctx", None)
    if type(problem).__name__ == "NoArgsIsHelpError":
        print(sentence if context is None else context.get_help(), file=sys.stderr)
        return USAGE
    hint = f" See `{context.command_path} --help`." if context is not None else ""
    return _fail(f"{sentence.rstrip('.')}.{hint}", USAGE)


def _unexpected(problem: Exception) -> str:
    """A fault of Ambrotype's: the trace goes into a file that a report can have attached."""
    kind = type(problem).__name__
    try:
        with tempfile.NamedTemporaryFile("w", prefix="ambrotype-", suffix=".log", delete=False) as file:
            file.write("".join(traceback.format_exception(problem)))
    except OSError:
        return f"Ambrotype failed unexpectedly ({kind}), and where could not be written down."
    return f"Ambrotype failed unexpectedly ({kind}); {file.name} says where: please report it."
