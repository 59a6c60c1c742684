# expect: disk_limit passed failed
# control: printed
# what: fills the disk with files that were removed while open or mapped, which no look at the folder finds
import mmap, os, time
kept, total = [], 0
try:
    for i in range(30):
        fd = os.open("f", os.O_CREAT | os.O_RDWR); total += os.write(fd, b"x" * (4 << 20))
        kept.append(mmap.mmap(fd, 4096)); os.close(fd); os.unlink("f"); time.sleep(0.015)
except OSError as e: print("blocked:", e.errno, "after MB", total >> 20)
if total > 100 << 20: print("ESCAPE: holds MB", total >> 20)
