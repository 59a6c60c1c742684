# expect: passed
# control: printed
# residue: metadata
# what: learns size and times of files outside, which Landlock does not guard
import os
attempt("stat", lambda: os.stat("@@SECRET@@"))
attempt("exists", lambda: os.path.exists("@@APPDIR@@") or 1 / 0)
