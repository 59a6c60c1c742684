# expect: passed
# control: printed
def attempt(what, f):
    try: r = f()
    except BaseException as e: print("blocked:", what, type(e).__name__, getattr(e, "errno", "")); return
    print("ESCAPE:", what, repr(r)[:120])
attempt("read secret", lambda: open("@@SECRET@@").read())
