# expect: passed
# control: printed
# needs: root
# what: leaves its control group
import os
def f():
    for root, dirs, files in os.walk("/sys/fs/cgroup"):
        if "cgroup.procs" in files: return os.close(os.open(root + "/cgroup.procs", os.O_WRONLY)) or "open"
    raise OSError("no cgroups")
attempt("cgroup", f)
