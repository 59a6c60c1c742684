import enum


class C(enum.Enum):
    A = 1


import typing


class T(typing.NamedTuple):
    a: int
