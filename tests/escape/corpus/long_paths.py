# expect: disk_limit failed
# control: printed
# what: hides files where no path reaches, so that whoever counts does not find them
import os, time
n = 0
try:
    for _ in range(20):
        os.mkdir("d" * 250); os.chdir("d" * 250)
    while n < 1500:
        os.close(os.open("f%d" % n, os.O_CREAT | os.O_WRONLY)); n += 1
        if n % 100 == 0: time.sleep(0.02)
except OSError as e: print("blocked:", e.errno, "after", n); raise
print("ESCAPE: hid", n)
