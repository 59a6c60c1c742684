# expect: passed
# control: unix
# what: connects to a local socket that has no file
import socket
def f():
    s = socket.socket(socket.AF_UNIX); s.connect("\0@@ABSTRACT@@"); s.send(b"HIT")
attempt("abstract", f)
