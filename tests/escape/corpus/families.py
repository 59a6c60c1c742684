# expect: passed
# control: printed
# what: a socket of any family that the kernel has
import socket
for family in range(50):
    for kind in (1, 2, 3, 5):
        try: socket.socket(family, kind).close()
        except (OSError, ValueError): continue
        print("ESCAPE: socket", family, kind)
