# expect: passed
# control: library
# what: empties a file that may only be read, by opening it for reading with O_TRUNC
import os
attempt("O_RDONLY|O_TRUNC", lambda: os.open("@@LIBRARY@@", os.O_RDONLY | os.O_TRUNC))
attempt("truncate", lambda: os.truncate("@@LIBRARY@@", 0))
