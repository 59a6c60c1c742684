# expect: passed
# control: printed
# what: leaves the process group and session, so that killing them misses it
import os
def away(f):
    p = os.fork()
    if p == 0:
        try: f()
        except OSError: os._exit(1)
        os._exit(0)
    assert os.waitpid(p, 0)[1] == 0
    return "left"
attempt("fork, setsid", lambda: away(os.setsid))
attempt("fork, setpgid", lambda: away(lambda: os.setpgid(0, 0)))
attempt("setpgid", lambda: os.setpgid(0, 0) or "left")
attempt("setsid", lambda: os.setsid())
