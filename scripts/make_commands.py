"""Write the pages of docs/commands from the commands themselves: ``python scripts/make_commands.py``.

A test compares them. Each page holds the commands of one heading of ``fpgaq --help``, or those of `APART`.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "commands"
COMMON = "Every command"
APART = {"Training in fixed point": ("finetune", "parity")}
"""Pages of commands with which the page of their heading would be longer than one sitting reads."""
BEGINNING = """# Commands

Made of the commands' own help by `scripts/make_commands.py`. `fpgaq COMMAND --help` prints the same.

Every command takes these, before its name too:

{common}

Exit codes are listed in [the README](../../README.md#what-it-supports), and
[contracts/output.md](../contracts/output.md) states what `--json` prints.

"""


def main() -> None:
    """Write the pages, and remove those of headings that are gone."""
    texts = pages()
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.md"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """The text of each page by its file's name."""
    sys.path.insert(0, str(ROOT))
    from fpgaq.cli import SECTIONS, fpgaq

    found: dict[str, str] = {}
    lines = []
    for heading, section in SECTIONS.items():
        titles = {command: heading for command in section}
        titles |= {command: title for title, own in APART.items() for command in own if command in section}
        for title in dict.fromkeys(titles.values()):
            own = [command for command in section if titles[command] == title]
            found[page_name(title)] = f"# {title}\n\n" + "\n".join(entry(name, fpgaq.commands[name]) for name in own)
        lines.append(f"## [{heading}]({page_name(heading)})\n")
        for command, (_, text) in section.items():
            lines.append(f"- [{command}]({page_name(titles[command])}#fpgaq-{command}): {text}")
        lines.append("")
    common = "\n".join(options_of(fpgaq.commands["doctor"])[COMMON])
    return {"README.md": BEGINNING.format(common=common) + "\n".join(lines), **found}


def page_name(title: str) -> str:
    """The file of a page by its title."""
    return re.sub(r"\W+", "-", title.lower()) + ".md"


def entry(name: str, command: click.Command) -> str:
    """A command: its usage, its help, its options in their sections, and its example."""
    usage = " ".join(command.collect_usage_pieces(context_of(command)))
    lines = [f"## fpgaq {name}\n", f"```text\nfpgaq {name} {usage}\n```\n", inspect.cleandoc(command.help or ""), ""]
    for heading, options in options_of(command).items():
        if heading != COMMON:
            lines += [f"**{heading}**\n", *options, ""]
    example = inspect.cleandoc((command.epilog or "").replace("\b", "")).splitlines()
    mark = ["<!-- not run: needs a board -->\n"] if "/dev/tty" in " ".join(example) else []
    lines += ["**Example**\n", *mark, *(f"    {line.strip()}" for line in example[1:]), ""]
    return "\n".join(lines)


def context_of(command: click.Command) -> click.Context:
    """The context of a command within the program; click keeps the help's option of whoever asks for it first."""
    from fpgaq.cli import fpgaq

    return click.Context(command, info_name=command.name, parent=click.Context(fpgaq, **fpgaq.context_settings))


def options_of(command: click.Command) -> dict[str, list[str]]:
    """Lines of a list for each section of options, in the order of the help."""
    context = context_of(command)
    found: dict[str, list[str]] = {}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record is not None:
            spelled, text = record
            section = command.sections.get(str(parameter.name), COMMON)  # type: ignore[attr-defined]
            found.setdefault(section, []).append(f"- `{spelled}`: {plain(' '.join(text.split()))}")
    return dict(sorted(found.items(), key=lambda section: section[0] != "Options"))


def plain(text: str) -> str:
    """Text in which nothing is Markdown."""
    return re.sub(r"([*<|\\])", r"\\\1", text)


if __name__ == "__main__":
    main()
