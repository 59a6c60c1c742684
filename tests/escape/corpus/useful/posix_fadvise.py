import os

f = open("a", "w+")
os.posix_fallocate(f.fileno(), 0, 10)
