# expect: passed
# control: signal
def attempt(what, f):
    try: r = f()
    except BaseException as e: print("blocked:", what, type(e).__name__, getattr(e, "errno", "")); return
    print("ESCAPE:", what, repr(r)[:120])
import os,signal
attempt("kill", lambda: os.kill(@@PPID@@,signal.SIGUSR1) or "sent")
attempt("kill getppid", lambda: (os.getppid()>1 or 1/0) and os.kill(os.getppid(),signal.SIGUSR1) or "sent")
attempt("kill -1", lambda: os.kill(-1,0) or "sent")
attempt("pidfd", lambda: signal.pidfd_send_signal(os.pidfd_open(@@PPID@@),signal.SIGUSR1) or "sent")
