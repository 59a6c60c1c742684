# expect: passed
# control: printed
# needs: root
# what: opens a file by its handle, past all folders above it
import ctypes, os
def f():
    h = (ctypes.c_uint32 * 40)(128); m = (ctypes.c_int * 1)()
    sc(@@NR:name_to_handle_at@@, -100, b"@@SECRET@@", h, m, 0)
    fd = sc(@@NR:open_by_handle_at@@, os.open("@@APPDIR@@", os.O_RDONLY), h, 0)
    return os.read(fd, 20)
attempt("handle", f)
