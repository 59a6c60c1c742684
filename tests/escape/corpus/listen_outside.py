# expect: passed
# control: printed
# what: opens a port on which anybody can ask for more
import socket
attempt("tcp", lambda: socket.create_server(("127.0.0.1", 0)).getsockname())
attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(("127.0.0.1", 0)) or "bound")
attempt("unix", lambda: socket.socket(socket.AF_UNIX).bind("s") or "bound")
attempt("abstract", lambda: socket.socket(socket.AF_UNIX).bind("\0sbx-@@ID@@") or "bound")
