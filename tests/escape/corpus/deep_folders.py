# expect: disk_limit failed
# control: printed
# what: folders nested deeper than any path or recursion can follow
import os, time
n = 0
try:
    while n < 1500:
        os.mkdir("d"); os.chdir("d"); n += 1
        if n % 100 == 0: time.sleep(0.005)
except OSError as e: print("blocked:", e.errno, "after", n); raise
print("ESCAPE: depth", n)
