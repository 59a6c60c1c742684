# expect: passed
# control: printed
# what: takes a lease on a library file, which makes its next writer wait
import fcntl, os
fd = os.open("@@LIBRARY@@", os.O_RDONLY)
attempt("F_SETLEASE", lambda: fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK))
attempt("F_NOTIFY", lambda: fcntl.fcntl(os.open(".", os.O_RDONLY), fcntl.F_NOTIFY, fcntl.DN_MODIFY))
