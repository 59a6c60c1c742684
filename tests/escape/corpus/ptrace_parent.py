# expect: passed
# machine: x86_64
# control: printed
def attempt(what, f):
    try: r = f()
    except BaseException as e: print("blocked:", what, type(e).__name__, getattr(e, "errno", "")); return
    print("ESCAPE:", what, repr(r)[:120])
import ctypes
l=ctypes.CDLL(None,use_errno=True)
def sc(n,*x):
    r=l.syscall(n,*x)
    if r<0: raise OSError(ctypes.get_errno(),"sys%d"%n)
    return r
attempt("ptrace seize", lambda: sc(101,0x4206,@@PPID@@,0,0))
b=ctypes.create_string_buffer(64)
class V(ctypes.Structure): _fields_=[("b",ctypes.c_void_p),("n",ctypes.c_size_t)]
attempt("process_vm_readv", lambda: sc(310,@@PPID@@,ctypes.byref(V(ctypes.addressof(b),64)),1,ctypes.byref(V(0x400000,64)),1,0))
attempt("pidfd_getfd", lambda: sc(438,sc(434,@@PPID@@,0),0,0))
attempt("kcmp", lambda: sc(312,@@PPID@@,@@PPID@@,0,0,0))
