import mmap

f = open("m", "w+b")
f.write(b"x" * 8192)
f.flush()
m = mmap.mmap(f.fileno(), 0)
m[0] = 65
m.flush()
m.close()
mmap.mmap(-1, 4096)
