# expect: passed
# control: unix
def attempt(what, f):
    try: r = f()
    except BaseException as e: print("blocked:", what, type(e).__name__, getattr(e, "errno", "")); return
    print("ESCAPE:", what, repr(r)[:120])
import socket
def f():
    s=socket.socket(socket.AF_UNIX); s.connect("@@SOCK@@"); s.send(b"HIT")
attempt("unix", f)
