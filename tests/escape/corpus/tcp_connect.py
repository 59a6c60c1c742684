# expect: passed
# control: tcp
def attempt(what, f):
    try: r = f()
    except BaseException as e: print("blocked:", what, type(e).__name__, getattr(e, "errno", "")); return
    print("ESCAPE:", what, repr(r)[:120])
import socket
attempt("connect", lambda: socket.create_connection(("127.0.0.1",@@PORT@@),1).send(b"HIT"))
