import signal

x = []
signal.signal(signal.SIGUSR1, lambda *a: x.append(1))
signal.raise_signal(signal.SIGUSR1)
assert x
import os

os.kill(os.getpid(), signal.SIGUSR1)
assert len(x) == 2
