# expect: passed
# control: decoy
# what: slows another process of the same user
import os
attempt("setpriority", lambda: os.setpriority(os.PRIO_PROCESS, @@PPID@@, 7) or "done")
