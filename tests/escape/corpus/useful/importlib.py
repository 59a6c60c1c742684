open("mymod.py", "w").write("x=5")
import sys

sys.path.insert(0, ".")
import mymod

assert mymod.x == 5
