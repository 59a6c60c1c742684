# expect: passed
# control: printed
# what: a new process by the system calls that Python does not use
import os, signal
def child(n, *x):
    def f():
        r = sc(n, *x)
        if r == 0: os._exit(0)
        try: os.waitpid(r, 0x40000000)
        except OSError: pass
        return "child"
    return f
import ctypes
attempt("fork", child(@@NR:fork@@))
attempt("clone", child(@@NR:clone@@, signal.SIGCHLD, 0, 0, 0, 0))
attempt("clone parent", child(@@NR:clone@@, 0x8000 | signal.SIGCHLD, 0, 0, 0, 0))
attempt("clone untraced", child(@@NR:clone@@, 0x800000 | signal.SIGCHLD, 0, 0, 0, 0))
attempt("clone high bits", child(@@NR:clone@@, (1 << 32) | signal.SIGCHLD, 0, 0, 0, 0))
args = (ctypes.c_uint64 * 11)(0, 0, 0, 0, signal.SIGCHLD)
attempt("clone3", child(@@NR:clone3@@, args, 88))
