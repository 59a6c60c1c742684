# expect: passed
# control: printed
# what: reads and writes the memory of whoever watches over the run
import ctypes, os
p = os.getppid()
b = ctypes.create_string_buffer(8)
class V(ctypes.Structure): _fields_ = [("b", ctypes.c_void_p), ("n", ctypes.c_size_t)]
attempt("ptrace seize", lambda: sc(@@NR:ptrace@@, 0x4206, p, 0, 0) + 1)
attempt("mem", lambda: open(f"/proc/{p}/mem", "r+b").fileno())
attempt("maps", lambda: open(f"/proc/{p}/maps").readline())
attempt("pidfd_getfd", lambda: sc(@@NR:pidfd_getfd@@, sc(@@NR:pidfd_open@@, p, 0), 1, 0))
