import tarfile, os

open("a", "w").write("x")
with tarfile.open("a.tgz", "w:gz") as t:
    t.add("a")
os.unlink("a")
tarfile.open("a.tgz").extractall(".")
assert open("a").read() == "x"
