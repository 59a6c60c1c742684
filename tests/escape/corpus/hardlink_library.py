# expect: passed
# control: printed
# what: links a library file into the working folder, to keep a name of it there
import os
attempt("link", lambda: os.link("@@LIBRARY@@", "mine"))
