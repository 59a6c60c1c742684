# expect: passed
# control: library
# what: changes the mode of a library file that may be read, through its descriptor
import os
fd = os.open("@@LIBRARY@@", os.O_RDONLY)
try: os.fchmod(fd, 0o666)
except OSError as e: print("blocked:", e.errno)
