"""The command line: the group, and how errors reach the user. The commands are in the other modules of this package.

A module of commands is imported when one of them is asked for, and each command imports its stages when it runs, so
that help is fast.
"""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from types import FrameType

import click

from ..base.errors import FpgaqError
from ..base.text import printable
from ..base.version import __version__
from .settings import Settings, output_lost

EPILOG = """\b
Example, all in one command:
  fpgaq build model.nnp --calibration train.npz --data test.npz -o out
Step by step:
  fpgaq quantize model.nnp --calibration train.npz -o model.fpgaq
  fpgaq generate model.fpgaq -o out --multipliers 64
  fpgaq simulate out
"""


COMMANDS = {
    "build": ("hardware", "Quantize, compare, generate and simulate MODEL."),
    "cheapen": ("unrolled", "Choose weights that take less logic unrolled, or with --adders."),
    "compare": ("quantizing", "Compare the integer network with the float one."),
    "doctor": ("quantizing", "List the tools that are installed."),
    "explore": ("searches", "Show what bits and multipliers buy."),
    "export": ("exporting", "Write an integer network as standard ONNX."),
    "finetune": ("training", "Continue the training of MODEL in fixed point."),
    "generate": ("hardware", "Write Verilog or HLS C++ for an integer network."),
    "parity": ("training", "Compare the integer network with nnabla."),
    "prune": ("pruning", "Take channels out of MODEL."),
    "quantize": ("quantizing", "Turn MODEL into an integer network."),
    "run": ("quantizing", "Compute the integer network, exactly."),
    "search": ("searches", "Choose the weight bits of each layer of MODEL for a budget."),
    "sensitivity": ("searches", "Say which layer of MODEL hurts, and what to change."),
    "simulate": ("hardware", "Simulate the hardware and compare every beat."),
    "summary": ("quantizing", "List the layers of MODEL."),
    "synth": ("synthesis", "Measure what the hardware takes and how fast it is."),
}
"""Each command's module, and the first line of its help, which a test compares with the command's own."""


class LoadedCommands(Mapping[str, click.Command]):
    """The commands by name; a command's module is imported when the command is read."""

    def __getitem__(self, name: str) -> click.Command:
        module, _ = COMMANDS[name]
        found: click.Command = getattr(import_module(f".{module}", __name__), name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class CommandGroup(click.Group):
    """A group whose list of commands needs none of their modules."""

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with the first lines of their help."""
        room = formatter.width - 6 - max(map(len, COMMANDS))
        rows = [(name, click.Command(name, help=text).get_short_help_str(room)) for name, (_, text) in COMMANDS.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(
    cls=CommandGroup,
    commands=LoadedCommands(),
    no_args_is_help=False,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="fpgaq")
def fpgaq() -> None:
    """Turn a trained network into fixed-point hardware, proved equal to its integer model."""


def invoke(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every error is one line on stderr."""
    settings = Settings()
    try:
        result = fpgaq.main(args=arguments, prog_name="fpgaq", standalone_mode=False, obj=settings)
        if sys.stdout is not None:
            sys.stdout.flush()
        # click hands back the code of --help and --version in this mode, and what a command returned.
        return result if isinstance(result, int) else 0
    except FpgaqError as error:
        return _report(settings, str(error), error.exit_code)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "fpgaq"
        return _report(settings, f"{error.format_message().rstrip('.')} (see `{command} --help`)", 2)
    except click.ClickException as error:
        return _report(settings, error.format_message(), 2)
    except (click.Abort, KeyboardInterrupt):
        return _report(settings, "interrupted", 130)
    except SystemExit as request:
        if request.code != 1:
            raise
        # So click ends where the reader of a help page has gone away.
        return _report(settings, "standard output cannot be written (nobody reads it)", 2)
    except OSError as error:
        return _report(settings, f"{error.filename or 'output'}: {error.strerror or error}", 2)
    except Exception as error:
        hint = "" if settings.debug else "; this is a bug of fpgaq: run again with --debug and report the traceback"
        return _report(settings, f"{type(error).__name__}: {error}{hint}", 1)


def _report(settings: Settings, message: str, code: int) -> int:
    if settings.debug and code != 130:
        import traceback

        traceback.print_exc()
    if sys.stderr is not None:
        print(printable(f"fpgaq: error: {message}"), file=sys.stderr)
    return code


def _terminate(number: int, frame: FrameType | None) -> None:
    # An exception, so that temporary folders are removed on the way out.
    sys.exit(128 + number)


def main() -> None:
    """The entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # Names in a model may hold characters that the terminal's encoding does not.
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _terminate)
    spoken: dict[str, None] = {}
    warnings.showwarning = lambda message, category, *place: spoken.setdefault(f"{category.__name__}: {message}")
    code = invoke()
    if code == 0 and sys.stderr is not None:
        # Of an error, its own line tells; numpy's warnings on the way there would only stand before it.
        for line in spoken:
            print(printable(f"fpgaq: warning: {line}"), file=sys.stderr)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        output_lost(error)
    sys.exit(code)


if __name__ == "__main__":
    main()
