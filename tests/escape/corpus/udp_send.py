# expect: passed
# control: udp
def attempt(what, f):
    try: r = f()
    except BaseException as e: print("blocked:", what, type(e).__name__, getattr(e, "errno", "")); return
    print("ESCAPE:", what, repr(r)[:120])
import socket
attempt("udp", lambda: socket.socket(socket.AF_INET,socket.SOCK_DGRAM).sendto(b"HIT",("127.0.0.1",@@PORT@@)))
attempt("dns", lambda: socket.getaddrinfo("example.com",80))
