# expect: passed
# control: printed
# what: makes another process's disk access wait for all others
attempt("ioprio_set", lambda: sc(@@NR:ioprio_set@@, 1, @@PPID@@, 3 << 13) + 1)
