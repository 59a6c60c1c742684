"""The archive's format: what every reader of CSV must find."""

from __future__ import annotations

import csv
import io
from dataclasses import fields, replace

import pytest

from aimesh.core.archive import FIELD_LIMIT, HEADER, ArchiveRow, Records, encoded, record, row_of
from tests.appender import row

HOSTILE = {
    "quotes": '"""" a "b" c"',
    "line ends": "a\r\nb\nc\rd\r",
    "commas": ",,,",
    "nul": "\0a\0",
    "formula": '=HYPERLINK("x")',
    "leading and trailing space": "  a \t",
    "empty": "",
    "beyond the basic plane": "🧠𝔘",
    "line separators": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "byte order mark": "\ufeffa",
    "a row of its own": 'x",y\r\nid,"',
    "end of file marks": "\x1a\x04",
    "escape": "\\\\\\n",
    "as long as may be": "x" * FIELD_LIMIT,
}


def parsed(data: bytes) -> list[list[str]]:
    """The records that Python's reader finds at its defaults."""
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))


def test_the_header_is_the_contract() -> None:
    assert encoded(HEADER) == (
        b"task,solution,review,task_id,success,attempts,exec_output,model,completed_at\r\n"
    )
    assert tuple(item.name for item in fields(ArchiveRow)) == HEADER


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_any_text_comes_back_as_it_was(text: str) -> None:
    wanted = replace(row(1), task=text, solution=text, review=text, exec_output=text, model=text)
    data = record(wanted)
    (values,) = parsed(data)
    assert row_of(HEADER, values) == wanted
    assert list(Records(data.splitlines(keepends=True))) == [values]


def test_a_lone_surrogate_is_spelled_out_so_that_the_file_stays_utf8() -> None:
    (values,) = parsed(record(replace(row(1), task="a\udc80b\ud83d")))
    assert values[0] == r"a\udc80b\ud83d"


def test_a_field_that_other_readers_would_refuse_is_cut_and_marked() -> None:
    (values,) = parsed(record(replace(row(1), solution="é" * (FIELD_LIMIT + 1))))
    assert len(values[1]) == FIELD_LIMIT
    assert values[1].endswith("é [cut here]")


def test_a_row_follows_the_header_of_the_file_and_leaves_unknown_columns_empty() -> None:
    header = ["task_id", "later", *[name for name in HEADER if name != "task_id"]]
    (values,) = parsed(record(row(4), header))
    assert values[:2] == ["id-4", ""]
    assert row_of(header, values) == row(4)


@pytest.mark.parametrize("values", [["a"], ["a"] * 9, ["a"] * 10], ids=["few", "number", "many"])
def test_a_record_that_is_no_row_is_none(values: list[str]) -> None:
    assert row_of(HEADER, values) is None


def test_records_end_where_the_last_whole_one_ends_wherever_the_file_breaks_off() -> None:
    whole = record(row(1)) + record(row(2))
    torn = record(row(3))
    for length in range(len(torn)):
        records = Records(io.BytesIO(whole + torn[:length]), start=7)
        assert len(list(records)) == 2, length
        assert records.end == 7 + len(whole), length


def test_a_mangled_line_is_stepped_over() -> None:
    data = record(row(1)) + b"a\rb,c\n" + b"\xff\xfe\n" + b"\r\n" + record(row(2))
    records = Records(io.BytesIO(data))
    assert [values[3] for values in records if len(values) == len(HEADER)] == ["id-1", "id-2"]
    assert records.end == len(data)
