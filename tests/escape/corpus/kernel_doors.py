# expect: passed
# control: printed
# what: parts of the kernel that had holes, and that no program here needs
import ctypes, os
b = ctypes.create_string_buffer(256)
attempt("inotify", lambda: sc(@@NR:inotify_add_watch@@, sc(@@NR:inotify_init1@@, 0), b"@@APPDIR@@", 0xFFF))
attempt("timerfd", lambda: sc(@@NR:timerfd_create@@, 0, 0))
attempt("signalfd", lambda: sc(@@NR:signalfd4@@, -1, bytes(8), 8, 0))
attempt("eventfd", lambda: sc(@@NR:eventfd2@@, 0, 0))
attempt("futex lock pi", lambda: sc(@@NR:futex@@, b, 6, 0, None, None, 0) + 1)
attempt("membarrier", lambda: sc(@@NR:membarrier@@, 0, 0, 0))
attempt("vmsplice", lambda: sc(@@NR:vmsplice@@, os.pipe()[1], (ctypes.c_uint64 * 2)(ctypes.addressof(b), 8), 1, 0))
attempt("tee", lambda: (os.write(w := (p := os.pipe())[1], b"x"), sc(@@NR:tee@@, p[0], os.pipe()[1], 1, 0))[1])
attempt("pkey", lambda: sc(@@NR:pkey_alloc@@, 0, 0) + 1)
attempt("mincore", lambda: sc(@@NR:mincore@@, ctypes.c_void_p(ctypes.addressof(b) & ~4095), 4096, ctypes.create_string_buffer(16)) + 1)
attempt("set_mempolicy", lambda: sc(@@NR:set_mempolicy@@, 0, None, 0) + 1)
attempt("timer_create", lambda: sc(@@NR:timer_create@@, 0, None, b) + 1)
attempt("name_to_handle_at", lambda: sc(@@NR:name_to_handle_at@@, -100, b"@@APPDIR@@", (ctypes.c_uint32 * 40)(128), b, 0) + 1)
attempt("landlock", lambda: sc(@@NR:landlock_create_ruleset@@, (ctypes.c_uint64 * 1)(1), 8, 0))
attempt("adjtimex", lambda: sc(@@NR:adjtimex@@, ctypes.create_string_buffer(512)) + 1)
attempt("sync", lambda: sc(@@NR:sync@@) + 1)
attempt("mlock", lambda: sc(@@NR:mlock@@, ctypes.c_void_p(ctypes.addressof(b) & ~4095), 4096) + 1)
attempt("io_setup", lambda: sc(@@NR:io_setup@@, 1, (ctypes.c_uint64 * 1)()) + 1)
