import time

time.sleep(0.01)
time.perf_counter()
time.process_time()
time.thread_time()
time.monotonic()
time.time_ns()
time.localtime()
time.tzname
time.strftime("%c")
time.clock_gettime(time.CLOCK_BOOTTIME)
time.get_clock_info("monotonic")
