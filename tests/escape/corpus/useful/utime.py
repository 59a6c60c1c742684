import os

open("a", "w")
os.utime("a", (1, 1))
print(os.stat("a").st_mtime)
