# expect: passed
# control: printed
# what: undoes its own restrictions
for name, option, value in (("pdeathsig", 1, 0), ("dumpable", 4, 1), ("keepcaps", 8, 1), ("subreaper", 36, 1), ("no_new_privs", 38, 1), ("timerslack", 29, 1), ("tsc", 26, 1)):
    attempt(name, lambda: sc(@@NR:prctl@@, option, value, 0, 0, 0) + 1)
