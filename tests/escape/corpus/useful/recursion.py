import sys

sys.setrecursionlimit(5000)


def f(n):
    return 0 if n == 0 else 1 + f(n - 1)


assert f(4000) == 4000
