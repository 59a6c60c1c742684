# expect: passed
# control: signal
# what: has the kernel send a signal to another process when a pipe is written
import fcntl, os, signal, socket
a, b = socket.socketpair()
def f():
    fcntl.fcntl(a, fcntl.F_SETOWN, @@PPID@@)
    fcntl.fcntl(a, 10, signal.SIGUSR1)
    fcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    b.send(b"x")
    return "armed"
attempt("sigio", f)
