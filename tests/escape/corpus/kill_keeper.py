# expect: passed
# control: signal
# what: ends whoever watches over the run
import os, signal
p = os.getppid()
if p > 1:
    attempt("SIGUSR1 to parent", lambda: os.kill(p, signal.SIGUSR1) or "sent")
    attempt("SIGTERM to parent", lambda: os.kill(p, signal.SIGTERM) or "sent")
attempt("group", lambda: os.killpg(0, 0) or "sent")
