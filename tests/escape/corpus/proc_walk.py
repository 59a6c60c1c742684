# expect: passed
# control: printed
# what: looks for the canary in every process's environment and command line
import os
def f():
    seen = 0
    for p in os.listdir("/proc"):
        if p.isdigit() and int(p) != os.getpid():
            for n in ("cmdline", "environ", "status", "maps"):
                try: seen += len(open(f"/proc/{p}/{n}", "rb").read())
                except OSError: pass
    assert seen, "nothing"
    return seen
attempt("walk", f)
