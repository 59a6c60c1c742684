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
