# expect: disk_limit failed
# control: printed
# what: empty files, folders and links without number
import os
n = 0
try:
    while n < 1500:
        if n % 3 == 0: os.close(os.open("f%d" % n, os.O_CREAT | os.O_WRONLY))
        elif n % 3 == 1: os.mkdir("d%d" % n)
        else: os.symlink("/", "l%d" % n)
        n += 1
        if n % 100 == 0: __import__("time").sleep(0.005)
except OSError as e: print("blocked:", e.errno, "after", n); raise
print("ESCAPE: made", n)
