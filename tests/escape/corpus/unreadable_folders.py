# expect: passed failed
# control: printed
# what: folders that their own owner cannot look into, to hide what is in them from whoever counts and cleans
import os
attempt("mkdir 0o300", lambda: os.mkdir("a", 0o300) or "made")
attempt("mkdirat", lambda: os.mkdir("b", 0, dir_fd=os.open(".", os.O_RDONLY)) or "made")
def masked():
    os.umask(0o777); os.mkdir("c"); os.umask(0)
    assert os.stat("c").st_mode & 0o700 == 0, "readable"
    return "made"
attempt("umask", masked)
def changed():
    os.mkdir("d"); os.chmod("d", 0)
    assert os.stat("d").st_mode & 0o700 == 0, "readable"
    return "changed"
attempt("chmod", changed)
