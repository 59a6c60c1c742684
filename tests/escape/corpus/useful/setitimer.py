import signal, time

x = []
signal.signal(signal.SIGALRM, lambda *a: x.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
time.sleep(0.1)
assert x
