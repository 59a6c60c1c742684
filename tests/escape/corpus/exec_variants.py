# expect: passed failed
# control: printed
# what: another program by every way there is
import os
attempt("posix_spawn", lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)[1] == 0 or 1 / 0)
attempt("popen", lambda: os.popen("echo hi").read() or 1 / 0)
def fexecve():
    fd = os.memfd_create("x"); os.write(fd, open("/bin/true", "rb").read())
    pid = os.fork()
    if pid == 0:
        try: os.execve(fd, ["true"], {})
        finally: os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
    return "ran"
attempt("fexecve", fexecve)
attempt("execveat", lambda: sc(@@NR:execveat@@, -100, b"/bin/true", None, None, 0x1000000) and "ran")
attempt("multiprocessing", lambda: __import__("multiprocessing").get_context("fork").Process(target=print).start() or "started")
