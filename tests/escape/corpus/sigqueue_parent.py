# expect: passed
# control: signal
# what: the less known ways to send a signal
import ctypes, signal
info = (ctypes.c_int * 32)(signal.SIGUSR1, 0, -1)
attempt("rt_sigqueueinfo", lambda: sc(@@NR:rt_sigqueueinfo@@, @@PPID@@, signal.SIGUSR1, info) + 1)
attempt("tgkill", lambda: sc(@@NR:tgkill@@, @@PPID@@, @@PPID@@, signal.SIGUSR1) + 1)
attempt("tkill", lambda: sc(@@NR:tkill@@, @@PPID@@, signal.SIGUSR1) + 1)
