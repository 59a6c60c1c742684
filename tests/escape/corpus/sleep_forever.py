# expect: timeout
# control: overtime
import signal,time
signal.signal(signal.SIGTERM,signal.SIG_IGN)
while True: time.sleep(1000)
