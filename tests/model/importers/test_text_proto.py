from __future__ import annotations

import math
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgaq.base.errors import ModelError
from fpgaq.model.importers.nnp.text_proto import MAX_DEPTH, Message, Scalar, Value, number_of, parse

Plain = dict[str, list]


def plain(message: Message) -> Plain:
    """The tree without positions."""

    def value(item: Value) -> object:
        if isinstance(item, Message):
            return plain(item)
        number = number_of(item)
        return item.text if number is None else number

    return {name: [value(item) for item in items] for name, items in message.fields.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("a: 1 a: -2 b: 'x'", {"a": [1, -2], "b": ["x"]}),
        ("a { b: 1 } a: { b: 2 } a < b: 3 >", {"a": [{"b": [1]}, {"b": [2]}, {"b": [3]}]}),
        ("a: [1, 2, 3]; b: [], c: [{d: 1}, {d: 2}]", {"a": [1, 2, 3], "b": [], "c": [{"d": [1]}, {"d": [2]}]}),
        ('# comment\na: true # more\nb: "#no"', {"a": ["true"], "b": ["#no"]}),
        (
            "a: 0x1F b: 017 c: 1.5e-3 d: .5 e: 2. f: 3f g: 1e5F",
            {"a": [31], "b": [15], "c": [0.0015], "d": [0.5], "e": [2.0], "f": [3.0], "g": [1e5]},
        ),
        ("a: -inf b: Infinity", {"a": [-math.inf], "b": [math.inf]}),
        (r"""s: "a\n\t\"\'\\\101\x42\u00e9\U0001F600\303\251" 'b'""", {"s": ["a\n\t\"'\\AB\u00e9\U0001f600\u00e9b"]}),
        ("a:1,b:2;c:3", {"a": [1], "b": [2], "c": [3]}),
    ],
)
def test_syntax(text: str, expected: Plain) -> None:
    assert plain(parse(text.encode(), "t")) == expected


def test_nan_is_a_number() -> None:
    scalar = parse(b"a: nan b: -nan", "t").fields["a"][0]
    assert isinstance(scalar, Scalar) and math.isnan(number_of(scalar) or 0.0)


def test_byte_order_mark_and_line_ends() -> None:
    assert plain(parse(b"\xef\xbb\xbfa: 1\r\nb {\r\n}\r\n", "t")) == {"a": [1], "b": [{}]}


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (b"a: 1\n  b 2", "2:5", "found '2'; expected ':' or '{' after 'b'"),
        (b"a {\n b: 1\n", "3:1", "found the end of the text; expected a field name or '}'"),
        (b"a: }", "1:4", "found '}'; expected a value of 'a'"),
        (b"a: 1\n}", "2:1", "found '}'; expected a field name"),
        (b"a { b: 1 >", "1:10", "found '>'; expected a field name or '}'"),
        (b"a: 12ab", "1:4", "cannot read '12ab' as a number"),
        (b"a: 1.2.3", "1:4", "cannot read '1.2.3' as a number"),
        (b"a: 'x\ny'", "1:4", "a string without its closing quote on the same line"),
        (b"a: '\\q'", "1:4", "unknown escape '\\\\q' in a string"),
        (b"a: '\\777'", "1:4", "octal escape '\\\\777' exceeds a byte in a string"),
        (b"a: '\\udc00'", "1:4", "escape '\\\\udc00' is no Unicode character in a string"),
        (b"a: '\\xff'", "1:4", "a string's escapes are not valid UTF-8"),
        (b"a: @", "1:4", "unexpected character '@'"),
        (b"[a.b]: 1", "1:1", "found '['; expected a field name"),
        (b"a: 1\r\nb: \xff", "2:4", "byte 0xff is not valid UTF-8"),
        (b"a: [1 2]", "1:7", "found '2'; expected ',' or ']' in field 'a'"),
        (b"a: 1\x00", "1:5", "unexpected character '\\x00'"),
    ],
)
def test_errors_have_line_and_column(text: bytes, place: str, message: str) -> None:
    with pytest.raises(ModelError, match="^" + re.escape(f"net.nntxt:{place}: {message}")):
        parse(text, "net.nntxt")


def test_depth_is_capped() -> None:
    for opener in ("a {", "a < ", "a: [{"):
        with pytest.raises(ModelError, match=f"nested deeper than {MAX_DEPTH} messages"):
            parse(opener.encode() * 10_000, "t")
    assert parse(("a {" * MAX_DEPTH + "}" * MAX_DEPTH).encode(), "t")


def test_a_large_text_is_read_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.process_time()
    assert len(parse(b"dim: 1\n" * 100_000, "t").fields["dim"]) == 100_000
    assert time.process_time() - start < 2
    monkeypatch.setattr("fpgaq.model.importers.nnp.text_proto.MAX_FIELDS", 1000)
    with pytest.raises(ModelError, match="t:1001:6: more than 1000 fields and comments"):
        parse(b"dim: 1\n" * 2000, "t")
    with pytest.raises(ModelError, match="t:1001:1: more than 1000 fields and comments"):
        parse(b"#\n" * 2000, "t")


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
trees: st.SearchStrategy[Plain] = st.recursive(
    st.dictionaries(names, st.lists(strings | numbers, min_size=1, max_size=3), max_size=4),
    lambda inner: st.dictionaries(names, st.lists(inner | strings | numbers, min_size=1, max_size=3), max_size=4),
    max_leaves=12,
)


def quoted(text: str, escape: bool) -> str:
    if escape:
        return '"' + "".join(f"\\{byte:03o}" for byte in text.encode()) + '"'
    body = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{body}"'


def written(tree: Plain, draw_style: int) -> str:
    """One of several equivalent spellings."""
    parts = []
    for name, items in tree.items():
        for index, item in enumerate(items):
            style = (draw_style + index) % 4
            if isinstance(item, dict):
                opening, closing = [("{", "}"), (": {", "}"), (" <", ">"), (": <", ">,")][style]
                parts.append(f"{name}{opening} {written(item, style)}{closing}")
            elif isinstance(item, str):
                parts.append(
                    f"{name}:{' ' * style}{quoted(item, style % 2 == 0)}{[' ', ';', ',', '# x' + chr(10)][style]}"
                )
            else:
                parts.append(f"{name}: {item!r} ")
    return "\n".join(parts) + "\n"


@settings(max_examples=200, deadline=None)
@given(trees, st.integers(0, 3))
def test_what_is_written_is_read(tree: Plain, style: int) -> None:
    assert plain(parse(written(tree, style).encode(), "t")) == tree


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=60) | st.text("ab:{}<>[]\"'\\0x9.-e,;#\n ", max_size=60).map(str.encode))
def test_any_bytes_give_a_tree_or_one_line(data: bytes) -> None:
    try:
        parse(data, "t")
    except ModelError as error:
        assert re.match(r"t:\d+:\d+: ", str(error)) and "\n" not in str(error)
