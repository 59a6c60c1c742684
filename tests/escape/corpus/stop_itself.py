# expect: timeout passed
# control: overtime
# ends-by: the clock
# what: stops, so that it neither runs nor ends
import os, signal
os.kill(os.getpid(), signal.SIGSTOP)
