# expect: passed
# control: printed
def attempt(what, f):
    try: r = f()
    except BaseException as e: print("blocked:", what, type(e).__name__, getattr(e, "errno", "")); return
    print("ESCAPE:", what, repr(r)[:120])
import os
attempt("canary in env", lambda: os.environ["SBX_CANARY_TOKEN"])
attempt("canary in /proc/self/environ", lambda: open("/proc/self/environ","rb").read().index(b"CANARY"))
