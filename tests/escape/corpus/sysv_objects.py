# expect: passed
# control: printed
# what: shared memory, semaphores and queues that outlive the process
import ctypes
for name, call, remove in (("shm", lambda: sc(@@NR:shmget@@, 0, 4096, 0o1600), @@NR:shmctl@@), ("sem", lambda: sc(@@NR:semget@@, 0, 1, 0o1600), @@NR:semctl@@), ("msg", lambda: sc(@@NR:msgget@@, 0, 0o1600), @@NR:msgctl@@)):
    def f():
        i = call()
        sc(remove, i, *([0, 0] if name == "sem" else [0]))
        return "made %s" % name
    attempt(name, f)
attempt("mq", lambda: sc(@@NR:mq_open@@, b"sbx-@@ID@@", 0o102, 0o600, None))
try: sc(@@NR:mq_unlink@@, b"sbx-@@ID@@")
except OSError: pass
