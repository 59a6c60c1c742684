from typing import Any

from aimesh.core.attempts import ending

FAILED: dict[str, Any] = {
    "success": False,
    "attempt": 2,
    "max_attempts": 3,
    "code": "print(1)",
    "error": "ValueError: no",
    "previous_code": "print(0)",
    "previous_error": "ValueError: no",
}


def test_a_passed_attempt_is_the_last() -> None:
    assert ending(**FAILED | {"success": True}).final


def test_a_failed_attempt_with_attempts_left_is_not() -> None:
    assert not ending(**FAILED).final


def test_the_last_attempt_allowed_is_the_last() -> None:
    end = ending(**FAILED | {"attempt": 3})
    assert end.final
    assert "all of its 3 attempts" in end.reason


def test_the_same_code_with_the_same_error_ends_early_and_says_why() -> None:
    end = ending(**FAILED | {"previous_code": "print(1)\n"})
    assert end.final
    assert "the same code with the same error" in end.reason


def test_the_same_code_with_another_error_goes_on() -> None:
    assert not ending(**FAILED | {"previous_code": "print(1)", "previous_error": "KeyError"}).final


def test_addresses_and_line_numbers_do_not_make_an_error_another_one() -> None:
    same = {
        "previous_code": "print(1)",
        "error": "line 3: <object at 0x7f01>",
        "previous_error": "line 9: <object at 0x7fab>",
    }
    assert ending(**FAILED | same).final


def test_a_first_attempt_that_equals_nothing_before_it_goes_on() -> None:
    empty = {"attempt": 1, "code": "", "error": "", "previous_code": "", "previous_error": ""}
    assert not ending(**FAILED | empty).final
