# expect: passed
# control: printed
# what: asks for and sets inode flags of a library file
import fcntl, os, struct
fd = os.open("@@LIBRARY@@", os.O_RDONLY)
attempt("FS_IOC_GETFLAGS", lambda: fcntl.ioctl(fd, 0x80086601, bytes(8)))
