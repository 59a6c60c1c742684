# expect: passed
# control: printed
# needs: root
# what: what root may do and nobody here should
import ctypes, os, socket
attempt("sethostname", lambda: sc(@@NR:sethostname@@, os.uname().nodename.encode(), len(os.uname().nodename)) + 1)
attempt("raise priority", lambda: os.setpriority(os.PRIO_PROCESS, 0, -1) or "raised")
attempt("chroot", lambda: os.chroot(".") or "done")
