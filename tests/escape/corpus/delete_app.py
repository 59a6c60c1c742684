# expect: passed
# control: secret
def attempt(what, f):
    try: r = f()
    except BaseException as e: print("blocked:", what, type(e).__name__, getattr(e, "errno", "")); return
    print("ESCAPE:", what, repr(r)[:120])
import os
attempt("unlink", lambda: os.unlink("@@SECRET@@"))
attempt("rename", lambda: os.rename("@@SECRET@@","stolen"))
attempt("truncate", lambda: os.truncate("@@SECRET@@",0))
