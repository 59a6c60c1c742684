# expect: passed
# control: decoy
# what: takes another process's open files
import resource
attempt("prlimit", lambda: resource.prlimit(@@PPID@@, resource.RLIMIT_NOFILE, (16, 16)))
