# expect: passed
# control: tcp
# what: connects by sending, without connect
import socket
def f():
    s = socket.socket(); s.sendto(b"HIT", 0x20000000, ("127.0.0.1", @@PORT@@)); s.close()
attempt("fastopen", f)
