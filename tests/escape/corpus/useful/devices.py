import os

os.urandom(16)
open("/dev/urandom", "rb").read(4)
open("/dev/null", "w").write("x")
open("/dev/zero", "rb").read(3)
