"""The command line: the group, and how errors reach the user. The commands are in the other modules of this package.

A module of commands is imported when one of them is asked for, and each command imports its stages when it runs, so
that help is fast.
"""

from __future__ import annotations

import contextlib
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
from .settings import Settings, output_lost, settings_options

EPILOG = """\b
Example, all in one command:
  fpgaq build model.nnp --calibration train.npz --test test.npz -o out
Step by step:
  fpgaq quantize model.nnp --calibration train.npz -o model.fpgaq
  fpgaq generate model.fpgaq -o out --multipliers 64
  fpgaq simulate out
"""


SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Start here": {
        "demo": ("demo", "Build a small network that comes with fpgaq."),
        "doctor": ("quantizing", "List the tools that are installed."),
        "summary": ("quantizing", "List the layers of MODEL."),
        "build": ("hardware", "Quantize, compare, generate and simulate MODEL."),
    },
    "Step by step": {
        "quantize": ("quantizing", "Turn MODEL into an integer network."),
        "split": ("splitting", "Write the part of MODEL that is carried, and the rest for the host."),
        "compare": ("quantizing", "Compare the integer network with the float one."),
        "run": ("quantizing", "Compute the integer network, exactly."),
        "generate": ("hardware", "Write Verilog or HLS C++ for an integer network."),
        "simulate": ("simulating", "Simulate the hardware and compare every beat."),
        "synth": ("synthesis", "Measure what the hardware takes and how fast it is."),
        "report": ("reporting", "Write all that is known about DIR as one page."),
    },
    "Into a system, onto a board": {
        "export": ("exporting", "Write an integer network as standard ONNX."),
        "package": ("packaging", "Make a core behind a bus a package of another tool."),
        "image": ("images", "Write the weights of a network for hardware that loads them."),
        "bitstream": ("boards", "Make a bitstream with a serial line for a board."),
        "infer": ("boards", "Send samples to a board, and compare every bit of what it computes."),
    },
    "Fewer bits, smaller networks": {
        "sensitivity": ("searches", "Say which layer of MODEL hurts, and what to change."),
        "search": ("searches", "Choose the weight bits of each layer of MODEL for a budget."),
        "explore": ("searches", "Show what bits and multipliers buy."),
        "prune": ("pruning", "Take channels out of MODEL."),
        "finetune": ("training", "Continue the training of MODEL in fixed point."),
        "parity": ("training", "Compare the integer network with nnabla."),
        "cheapen": ("unrolled", "Choose weights that take less logic unrolled, or with --adders."),
    },
}
"""The commands in the order in which one meets them, under the headings of the help: each command's module, and the
first line of its help, which a test compares with the command's own."""

COMMANDS = {name: facts for section in SECTIONS.values() for name, facts in section.items()}


ERROR_KINDS = {1: "Bug", 2: "UsageError", 130: "Interrupted"}
"""What JSON calls errors that are no `FpgaqError`, by their exit codes."""


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

    def list_commands(self, context: click.Context) -> list[str]:
        """The names in the order of the help."""
        return list(COMMANDS)

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands first: options of the program itself are few, and the same everywhere."""
        self.format_commands(context, formatter)
        click.Command.format_options(self, context, formatter)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under their headings, with the first lines of their help."""
        widest = max(map(len, COMMANDS))
        for heading, section in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(widest), text) for name, (_, text) in section.items()])


@click.group(
    cls=CommandGroup,
    commands=LoadedCommands(),
    params=settings_options(),
    invoke_without_command=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, "-V", "--version", prog_name="fpgaq")
@click.pass_context
def fpgaq(context: click.Context) -> None:
    """Turn a trained network into fixed-point hardware, proved equal to its integer model."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
        # Nothing was done: a script that forgot the command must notice.
        context.exit(2)


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
        return _report(settings, str(error), error.exit_code, type(error).__name__)
    except click.UsageError as error:
        # What cannot be parsed has set no option yet.
        settings.json |= "--json" in (sys.argv[1:] if arguments is None else arguments)
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


def _report(settings: Settings, message: str, code: int, kind: str = "") -> int:
    if settings.debug and code != 130:
        import traceback

        traceback.print_exc()
    if sys.stderr is not None:
        print(printable(f"fpgaq: error: {message}"), file=sys.stderr)
    if settings.json and not settings.shown and sys.stdout is not None:
        facts = {"kind": kind or ERROR_KINDS.get(code, "Error"), "exit_code": code, "message": printable(message)}
        # Where nobody reads standard output, the exit code still tells.
        with contextlib.suppress(FpgaqError):
            settings.show((), {"error": facts})
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
