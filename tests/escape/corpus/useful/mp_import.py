import multiprocessing

multiprocessing.cpu_count()
