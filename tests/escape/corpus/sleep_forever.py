# expect: timeout
# control: overtime
# ends-by: the clock
import signal,time
signal.signal(signal.SIGTERM,signal.SIG_IGN)
while True: time.sleep(1000)
