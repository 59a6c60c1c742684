# expect: passed
# control: printed
def attempt(what, f):
    try: r = f()
    except BaseException as e: print("blocked:", what, type(e).__name__, getattr(e, "errno", "")); return
    print("ESCAPE:", what, repr(r)[:120])
attempt("environ", lambda: [x for x in open("/proc/@@PPID@@/environ","rb").read().split(b"\0") if b"CANARY" in x][0])
attempt("cmdline", lambda: open("/proc/@@PPID@@/cmdline","rb").read()[:20] or 1/0)
attempt("mem", lambda: open("/proc/@@PPID@@/mem","rb").read(0))
