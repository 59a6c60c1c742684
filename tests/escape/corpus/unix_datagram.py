# expect: passed
# control: unix
# what: sends to a named socket from a pair that was never connected to it
import socket
def pair():
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    a.sendto(b"HIT", "@@DGRAM@@")
def single():
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"HIT", "@@DGRAM@@")
attempt("pair", pair); attempt("single", single)
