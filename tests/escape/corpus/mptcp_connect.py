# expect: passed
# control: tcp
# what: Multipath TCP, which Landlock's rules for TCP do not cover
import socket
def f():
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
    s.connect(("127.0.0.1", @@PORT@@)); s.send(b"HIT")
attempt("mptcp", f)
