# expect: passed
# control: decoy
# what: has the kernel kill another process first
attempt("oom_score_adj", lambda: open("/proc/@@PPID@@/oom_score_adj", "w").write("900"))
