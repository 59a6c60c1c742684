# expect: passed
# control: printed
# what: becomes another user, or gains a capability
import os
attempt("setresuid", lambda: os.setresuid(-1, os.getuid(), -1) or "done")
attempt("setgid", lambda: os.setgid(os.getgid()) or "done")
attempt("capset", lambda: sc(@@NR:capset@@, (0x20080522).to_bytes(4, "little") + bytes(4), bytes(24)) + 1)
attempt("setfsuid", lambda: sc(@@NR:setfsuid@@, os.getuid()) + 1)
