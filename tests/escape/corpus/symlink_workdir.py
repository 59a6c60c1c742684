# expect: passed
# control: secret
def attempt(what, f):
    try: r = f()
    except BaseException as e: print("blocked:", what, type(e).__name__, getattr(e, "errno", "")); return
    print("ESCAPE:", what, repr(r)[:120])
import os
os.symlink("@@SECRET@@","s")
attempt("read via symlink", lambda: open("s").read())
attempt("write via symlink", lambda: open("s","a").write("pwned"))
attempt("hardlink", lambda: os.link("@@SECRET@@","hl"))
os.symlink("/tmp","t")
attempt("write via dir symlink", lambda: open("t/sbx-escape-symlink","w").write("x"))
