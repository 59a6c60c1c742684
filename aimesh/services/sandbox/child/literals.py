"""Writes a value as a literal, so that it can be compared where the untrusted code is not."""

from __future__ import annotations

import sys


def write(value: object) -> str:
    """The value's repr, with every part that equals a plain value written as that plain value.

    A Counter becomes the dict that it equals, a named tuple a tuple, and so on. What equals no
    plain value stays as its repr, which is no literal then; what has no repr is named by its type.
    """
    try:
        return repr(_plain(value))
    except BaseException as error:  # noqa: BLE001  # the code may define any __repr__
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"


def _plain(value: object) -> object:
    if value is None or type(value) in (bool, int, float, complex, str, bytes):
        return value
    if isinstance(value, dict):
        return {_plain(key): _plain(dict.__getitem__(value, key)) for key in dict.__iter__(value)}
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in tuple.__iter__(value))
    if isinstance(value, list):
        return [_plain(item) for item in list.__iter__(value)]
    if isinstance(value, (set, frozenset, type({}.keys()))):
        return {_plain(item) for item in value}
    # by the plain type's own method: a class of the code may define another
    if isinstance(value, int):
        return int.__add__(value, 0)
    if isinstance(value, float):
        return float.__add__(value, 0.0)
    if isinstance(value, str):
        return str.__str__(value)
    return _plain_number(value)


def _plain_number(value: object) -> object:
    """The int or float that a Decimal or Fraction equals, if there is one."""
    for module, name in (("decimal", "Decimal"), ("fractions", "Fraction")):
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type) and type(value) is kind and value == value:
            number = float(value)  # type: ignore[arg-type]
            if number == value:
                return int(number) if number.is_integer() else number
    return value
