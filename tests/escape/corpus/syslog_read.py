# expect: passed
# control: printed
# needs: root
# what: reads the kernel's log
import ctypes
attempt("syslog", lambda: sc(@@NR:syslog@@, 10, None, 0))
