# expect: passed failed
# control: printed
# what: pipes, sockets and devices as files
import os, stat
attempt("mkfifo", lambda: os.mkfifo("p") or "made")
attempt("socket file", lambda: os.mknod("s", stat.S_IFSOCK | 0o600) or "made")
attempt("char device", lambda: os.mknod("c", stat.S_IFCHR | 0o600, os.makedev(1, 5)) or "made")
attempt("whiteout", lambda: (open("w", "w").close(), sc(@@NR:renameat2@@, -100, b"w", -100, b"v", 4), stat.S_ISCHR(os.stat("w").st_mode) or 1 / 0)[2])
