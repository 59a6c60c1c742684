# expect: timeout
# control: overtime
# what: handles signals faster than it runs
import signal
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.00001, 0.00001)
while True: pass
