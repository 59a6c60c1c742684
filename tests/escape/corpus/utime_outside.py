# expect: passed
# control: secret
# what: sets the times of files outside, by path and by descriptor
import os
try: os.utime("@@SECRET@@", (1, 1))
except OSError as e: print("blocked:", e.errno)
