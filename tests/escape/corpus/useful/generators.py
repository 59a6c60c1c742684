def g():
    yield from range(3)


assert list(g()) == [0, 1, 2]
