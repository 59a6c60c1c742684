# expect: passed
# control: library
# what: sets the times of a library file that may be read, through its descriptor
import os
try: os.utime(os.open("@@LIBRARY@@", os.O_RDONLY), (1, 1))
except OSError as e: print("blocked:", e.errno)
