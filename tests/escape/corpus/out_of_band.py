# expect: passed failed
# control: printed
# what: out-of-band data and descriptors on the one kind of socket that is there
import array, socket
a, b = socket.socketpair()
attempt("MSG_OOB", lambda: a.send(b"x", socket.MSG_OOB))
attempt("SCM_RIGHTS", lambda: a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))]))
attempt("setsockopt", lambda: a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24) or "set")
