# expect: passed
# control: decoy
# what: binds another process to one processor
import os
attempt("sched_setaffinity", lambda: os.sched_setaffinity(@@PPID@@, {sorted(os.sched_getaffinity(0))[0]}) or "done")
