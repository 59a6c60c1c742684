# expect: passed failed out_of_memory
# control: printed
# what: memory that no address space limit counts
import os
def f():
    fd = os.memfd_create("x"); n = 0
    for _ in range(96): n += os.write(fd, bytes(1 << 20))
    return n
attempt("memfd", f)
