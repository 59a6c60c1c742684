from typing import Any

import pytest

from aimesh.core import trace


def test_a_task_has_one_trace_that_is_found_again_from_its_id() -> None:
    assert trace.trace_id("t") == trace.trace_id("t") != trace.trace_id("u")


def test_a_header_is_read_as_it_was_written() -> None:
    trace_id, span_id = trace.trace_id("t"), trace.span_id("s")
    assert trace.parse_traceparent(trace.traceparent(trace_id, span_id)) == (trace_id, span_id)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00-xyz-1-01",
        "00-" + "0" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "0" * 16 + "-01",
        "ff-" + "1" * 32 + "-" + "1" * 16 + "-01",
    ],
)
def test_a_header_that_is_not_valid_is_no_context(value: str) -> None:
    assert trace.parse_traceparent(value) is None


@pytest.mark.parametrize(
    ("trace_id", "span_id", "place"),
    [
        ("A" * 32, "B" * 16, ("a" * 32, "b" * 16)),
        ("a" * 8 + "-aaaa-aaaa-aaaa-" + "a" * 12, "b" * 16, ("a" * 32, "b" * 16)),
        ("a word", "another", (trace.trace_id("a word"), trace.span_id("another"))),
        ("0" * 32, "0" * 16, (trace.trace_id("0" * 32), trace.span_id("0" * 16))),
    ],
)
def test_ids_of_any_form_make_a_header_that_is_valid(
    trace_id: str, span_id: str, place: tuple[str, str]
) -> None:
    assert trace.parse_traceparent(trace.traceparent(trace_id, span_id)) == place


VALUE = trace.traceparent("a" * 32, "b" * 16)


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": VALUE},
        [("other", b"\xff"), ("traceparent", VALUE.encode())],
        [("traceparent", b"junk"), ("traceparent", None), ("traceparent", VALUE.encode())],
    ],
)
def test_headers_name_a_place_in_a_trace(headers: Any) -> None:
    assert trace.place_in(headers) == ("a" * 32, "b" * 16)


@pytest.mark.parametrize(
    "headers", [None, [], {}, [("traceparent", b"\xff")], {"Traceparent": VALUE}]
)
def test_headers_that_name_none_are_no_place(headers: Any) -> None:
    assert trace.place_in(headers) is None
