import pytest

from aimesh import codec
from aimesh.records import Task, Verdict


def test_a_bare_task_is_a_record_with_defaults() -> None:
    task = codec.read(Task, b'{"task": "sort a list"}')
    assert isinstance(task, Task)
    assert (task.task, task.task_id, task.attempt, task.source) == (
        "sort a list",
        "",
        1,
        "external",
    )


def test_unknown_fields_are_ignored() -> None:
    assert isinstance(codec.read(Task, b'{"task": "x", "colour": 3}'), Task)


def test_a_whole_number_passes_where_a_fraction_may_stand() -> None:
    read = codec.read(Verdict, b'{"task_id": "a", "task": "b", "duration_s": 2}')
    assert isinstance(read, Verdict)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "not JSON"),
        (b"", "not JSON"),
        (b"\xff\x00", "not JSON"),
        (b"[1]", "not a JSON object but list"),
        (b"{}", "field 'task' is missing"),
        (b'{"task": 5}', "field 'task' must be str, not int"),
        (b'{"task": "x", "attempt": "2"}', "field 'attempt' must be int, not str"),
        (b'{"task": "x", "attempt": true}', "field 'attempt' must be int, not bool"),
        (b'{"task": "x", "feedback": []}', "field 'feedback' must be dict or null, not list"),
    ],
)
def test_what_is_no_record_says_why_and_keeps_its_bytes(value: bytes | None, reason: str) -> None:
    read = codec.read(Task, value)
    assert isinstance(read, codec.Undecodable)
    assert read.value == value
    assert reason in read.reason


def test_what_is_written_is_read_again_as_it_was() -> None:
    task = Task(task="größe", task_id="1", feedback={"code": "x", "error": "y"}, cases=[{"a": 1}])
    assert codec.read(Task, codec.dumps(task)) == task


def test_records_travel_as_plain_json_objects() -> None:
    assert b"__faust" not in codec.dumps(Task(task="x"))
