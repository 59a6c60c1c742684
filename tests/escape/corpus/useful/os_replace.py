import os

open("a", "w").write("x")
os.replace("a", "b")
os.makedirs("d")
os.replace("b", "d/b")
os.truncate if 0 else 0
f = open("d/b", "r+")
f.truncate(0)
