import timeit

timeit.timeit("1+1", number=1000)
