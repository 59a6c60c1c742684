# expect: passed
# control: printed
def attempt(what, f):
    try: r = f()
    except BaseException as e: print("blocked:", what, type(e).__name__, getattr(e, "errno", "")); return
    print("ESCAPE:", what, repr(r)[:120])
import os
def f():
    l=[]
    for i in range(3,256):
        try: os.fstat(i); l.append((i,os.readlink("/proc/self/fd/%d"%i) if os.path.exists("/proc/self/fd") else "?"))
        except OSError: pass
    assert l, "none"; return l
attempt("open fds", f)
