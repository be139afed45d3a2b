"""Draw the blocks of a board, docs/board.svg: ``python scripts/make_board_picture.py``. A test compares them."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "board.svg"
TITLE = "From the host over a serial line through packets and frames into the network, and back"


@dataclass(frozen=True)
class Block:
    """A box: where it stands, its title, the modules in it, and a word about them."""

    x: int
    y: int
    width: int
    height: int
    title: str
    modules: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    outer: bool = False


BLOCKS = (
    Block(10, 96, 110, 116, "host", words=("fpgaq infer", "samples to bytes,", "answers compared")),
    Block(176, 10, 794, 290, "FPGA: one clock, the board's; pins clk, rx and tx", outer=True),
    Block(196, 46, 330, 234, "serial line and packets", ("fpgaq_serial",), outer=True),
    Block(212, 90, 138, 80, "receive", ("fpgaq_uart_rx", "fpgaq_link_in", "fpgaq_crc32")),
    Block(212, 200, 138, 64, "send", ("fpgaq_uart_tx", "fpgaq_link_out")),
    Block(372, 90, 138, 80, "a frame in", words=("kept until its", "CRC is right")),
    Block(372, 200, 138, 64, "register access", words=("by packets",)),
    Block(582, 46, 372, 234, "wrapper of --bus 32", outer=True),
    Block(598, 90, 130, 80, "frames", ("fpgaq_shell",), ("recovery at tlast",)),
    Block(598, 200, 130, 64, "registers", ("fpgaq_registers",), ("AXI4-Lite",)),
    Block(
        796,
        90,
        142,
        174,
        "core",
        words=("the network,", "byte for byte as", "in every other", "simulation", "and package"),
    ),
)
WIRES = (
    (((120, 128), (212, 128)), "rx"),
    (((212, 232), (66, 232), (66, 212)), "tx"),
    (((350, 128), (372, 128)), ""),
    (((510, 128), (598, 128)), "s_axis"),
    (((728, 116), (796, 116)), "in"),
    (((796, 150), (728, 150)), "out"),
    (((662, 170), (662, 186), (281, 186), (281, 200)), "m_axis"),
    (((510, 232), (598, 232)), "s_axi"),
)
"""The corners of each, and what stands above the middle of its longest part."""


def picture() -> str:
    """The text of the picture; the same every time."""
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 980 310" role="img" font-family="sans-serif">',
        f"<title>{TITLE}</title>",
        '<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z"/></marker></defs>',
        '<rect width="980" height="310" fill="#ffffff"/>',
    ]
    for block in sorted(BLOCKS, key=lambda one: not one.outer):
        lines += box(block)
    for corners, label in WIRES:
        points = " ".join(f"{x},{y}" for x, y in corners)
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="#16181d" stroke-width="1.5" marker-end="url(#end)"/>'
        )
        one, two = max(zip(corners, corners[1:], strict=False), key=lambda part: abs(part[0][0] - part[1][0]))
        lines.append(text((one[0] + two[0]) // 2, one[1] - 5, label, "#16181d", 11, middle=True))
    return "\n".join([*lines, "</svg>"]) + "\n"


def box(block: Block) -> list[str]:
    """A block with its words."""
    fill, line = ("none", "#5b6470") if block.outer else ("#eef3ff", "#2563eb")
    dash = ' stroke-dasharray="5 4"' if block.outer else ""
    lines = [
        f'<rect x="{block.x}" y="{block.y}" width="{block.width}" height="{block.height}" rx="6" fill="{fill}"'
        f' stroke="{line}"{dash}/>',
        text(block.x + 8, block.y + 18, block.title, "#16181d", 13, bold=True),
    ]
    rest = [(name, "#0f766e") for name in block.modules] + [(word, "#5b6470") for word in block.words if word]
    return lines + [text(block.x + 8, block.y + 35 + 15 * i, word, ink, 11) for i, (word, ink) in enumerate(rest)]


def text(x: int, y: int, words: str, ink: str, size: int, *, bold: bool = False, middle: bool = False) -> str:
    """A line of text."""
    more = (' font-weight="bold"' if bold else "") + (' text-anchor="middle"' if middle else "")
    return f'<text x="{x}" y="{y}" fill="{ink}" font-size="{size}"{more}>{escape(words)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
