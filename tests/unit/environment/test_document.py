"""YAML with lines."""

import pytest

from terp.environment.document import LARGEST, Unreadable, parse


def test_values_lines_and_what_was_written():
    document = parse("# a comment\na:\n  b: [1, 1.50]\n  c: 'no'\n")
    assert document.value == {"a": {"b": [1, 1.5], "c": "no"}}
    assert document.lines[("a",)] == 2
    assert document.lines[("a", "b", 1)] == 3
    assert document.lines[("a", "c")] == 4
    assert document.written[("a", "b", 1)] == "1.50"
    assert document.findings == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("12", 12),
        ("-3", -3),
        ("1e3", 1000.0),
        ("12:30:00", "12:30:00"),
        ('"2026-01-31"', "2026-01-31"),
        ("010", 8),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0b101", -5),
        ("0", 0),
        ("08", 8.0),
        ('"12"', "12"),
        ("!!str 12", "12"),
        ("1_000", 1000),
        ("<<", "<<"),
        ("=", "="),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalars_mean_what_they_mean_to_pulumi(text: str, value: object):
    assert parse(f"key: {text}\n").value == {"key": value}


def test_names_are_text_as_in_json():
    assert parse("0: a\nno: b\ntrue: c\n").value == {"0": "a", "no": "b", "true": "c"}


def test_a_key_that_is_there_twice_is_found_with_both_lines():
    (finding,) = parse("a:\n  b: 1\n  c: 2\n  b: 3\n").findings
    assert finding.key == ("a", "b")
    assert "line 4" in finding.message


def test_aliases_and_merges_work():
    text = "pool: &pool\n  flavor: large\n  count: 1\ncpu:\n  <<: *pool\n  count: 3\nsame: *pool\n"
    document = parse(text)
    assert document.value == {
        "pool": {"flavor": "large", "count": 1},
        "cpu": {"flavor": "large", "count": 3},
        "same": {"flavor": "large", "count": 1},
    }
    assert document.findings == ()
    assert document.lines[("cpu", "count")] == 6


def test_the_first_of_several_merges_wins():
    text = "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc:\n  <<: [*a, *b]\n"
    assert parse(text).value["c"] == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    "text",
    ["a: !vault b\n", "a: !!python/object:os.system {}\n", "a:\n  <<: 5\n", "[a]: b\n", "a: 2026-01-31\n"],
)
def test_tags_odd_keys_and_dates_are_findings_and_nothing_is_run(text: str):
    assert len(parse(text).findings) == 1


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("a:\n\tb: 1\n", "no YAML: a line is indented with a tab; YAML takes spaces", 2),
        ("a: [1\nb: 2\n", "no YAML: expected ',' or ']', but got ':'", 2),
        ("a: *b\n", "no YAML: found undefined alias 'b'", 1),
        ("a: 1\n---\nb: 2\n", "no YAML: but found another document", 2),
        ("a: &a [*a]\n", "no environment: it is nested too deeply", None),
        ("[" * 20_000, "no environment: it is nested too deeply", None),
        ("a: \x07\n", "no YAML: unacceptable character #x0007: special characters are not allowed", None),
    ],
)
def test_what_is_no_document_is_told(text: str, message: str, line: int | None):
    with pytest.raises(Unreadable) as caught:
        parse(text)
    assert (caught.value.message, caught.value.line) == (message, line)


def test_aliases_of_aliases_end():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(Unreadable, match=str(LARGEST)):
        parse("\n".join(lines))
