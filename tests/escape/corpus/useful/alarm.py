import signal, time


def h(*a):
    raise TimeoutError


signal.signal(signal.SIGALRM, h)
signal.alarm(1)
try:
    time.sleep(3)
except TimeoutError:
    print("ok")
