import os

open("a", "w")
os.symlink("a", "b")
os.link("a", "c")
os.readlink("b")
