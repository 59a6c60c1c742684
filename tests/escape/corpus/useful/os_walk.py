import os

os.makedirs("a/b")
assert len(list(os.walk("."))) == 3
