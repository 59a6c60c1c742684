import selectors, socket

a, b = socket.socketpair()
s = selectors.DefaultSelector()
s.register(a, 1)
b.send(b"x")
assert s.select(1)
assert a.recv(1) == b"x"
