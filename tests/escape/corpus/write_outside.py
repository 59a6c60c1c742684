# expect: passed
# control: wrote
def attempt(what, f):
    try: r = f()
    except BaseException as e: print("blocked:", what, type(e).__name__, getattr(e, "errno", "")); return
    print("ESCAPE:", what, repr(r)[:120])
import os
for p in ("/tmp/sbx-escape-w","/var/tmp/sbx-escape-w","/dev/shm/sbx-escape-w","@@APPDIR@@/sbx-escape-w","/usr/lib/sbx-escape-w","@@STAGE@@"):
    attempt("write "+p, lambda: open(p,"a").write("# x"))
