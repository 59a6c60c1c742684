import tracemalloc

tracemalloc.start()
tracemalloc.take_snapshot()
