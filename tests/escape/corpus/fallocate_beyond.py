# expect: passed failed disk_limit
# control: printed
# what: reserves disk beyond the end of a file, where the file size limit does not look
import os
fd = os.open("f", os.O_CREAT | os.O_RDWR)
def f():
    sc(@@NR:fallocate@@, fd, 1, 0, 256 << 20)
    size = os.fstat(fd).st_blocks * 512
    assert size > 128 << 20, size
    return size
attempt("fallocate KEEP_SIZE", f)
