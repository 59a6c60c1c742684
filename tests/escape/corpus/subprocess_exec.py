# expect: passed
# control: printed
def attempt(what, f):
    try: r = f()
    except BaseException as e: print("blocked:", what, type(e).__name__, getattr(e, "errno", "")); return
    print("ESCAPE:", what, repr(r)[:120])
import subprocess,os
attempt("subprocess", lambda: subprocess.run(["/usr/bin/id"],capture_output=True,text=True).stdout)
attempt("os.system", lambda: os.system("id >/dev/null")==0 or 1/0)
attempt("execv", lambda: os.execv("/usr/bin/id",["id"]))
