# expect: passed
# control: printed
# what: learns of other processes without touching them
import os, time
attempt("getsid", lambda: os.getsid(@@PPID@@))
attempt("getpgid", lambda: os.getpgid(@@PPID@@))
attempt("getpriority", lambda: os.getpriority(os.PRIO_PROCESS, @@PPID@@) + 1)
attempt("sched_getaffinity", lambda: os.sched_getaffinity(@@PPID@@))
attempt("sched_getscheduler", lambda: os.sched_getscheduler(@@PPID@@) + 1)
attempt("CPU clock", lambda: time.clock_gettime((~@@PPID@@ << 3) | 2))
attempt("kill 0", lambda: os.kill(@@PPID@@, 0) or "exists")
