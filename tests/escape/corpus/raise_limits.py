# expect: passed
# control: printed
# what: takes back the limits
import resource
for name in ("CPU", "AS", "FSIZE", "NOFILE", "CORE", "NPROC", "MEMLOCK"):
    def f():
        n = getattr(resource, "RLIMIT_" + name)
        soft, hard = resource.getrlimit(n)
        resource.setrlimit(n, (hard, hard)); return resource.getrlimit(n)
    attempt(name, f)
