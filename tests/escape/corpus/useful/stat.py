import os, stat

open("a", "w")
os.stat("a")
os.access("a", os.R_OK)
os.statvfs(".")
