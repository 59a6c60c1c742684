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
for nm,(n,*x) in {"unshare user":(272,0x10000000),"unshare ns":(272,0x20000),"mount":(165,b"none",b".",b"tmpfs",0,0),"clone newuser":(56,0x10000011,0,0,0,0),"setns":(308,0,0),"chroot":(161,b"."),"pivot_root":(155,b".",b"."),"bpf":(321,0,0,0),"perf":(298,0,0,-1,-1,0),"userfaultfd":(323,1),"io_uring":(425,8,ctypes.create_string_buffer(120)),"keyctl":(250,0,-3,0),"add_key":(248,b"user",b"sbx",b"x",1,-3),"open_by_handle":(304,-100,0,0),"modify_ldt":(154,0,0,0),"personality":(135,0x0040000),"syslog":(103,3,0,0),"fanotify":(300,0,0),"open_tree":(428,-100,b".",1),"fsopen":(430,b"tmpfs",0)}.items():
    def f(n=n,x=x):
        r=sc(n,*x)
        if n==56 and r==0: import os; os._exit(0)
        return r
    attempt(nm, f)
