# expect: passed
# control: decoy
# what: puts another process in the idle class
import os
attempt("sched_setscheduler", lambda: os.sched_setscheduler(@@PPID@@, os.SCHED_IDLE, os.sched_param(0)) or "done")
