from concurrent.futures import ThreadPoolExecutor as T

with T(16) as e:
    assert sum(e.map(abs, range(100))) == 4950
