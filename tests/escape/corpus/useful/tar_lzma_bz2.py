import tarfile

open("a", "w").write("x")
for m in ("xz", "bz2"):
    with tarfile.open("a.t", "w:" + m) as t:
        t.add("a")
