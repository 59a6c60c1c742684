# expect: passed
# control: printed
# what: reads what any user of the machine can read
import os, sys
own = {'ld.so.cache', 'localtime', 'null', 'zero', 'random', 'urandom', *sys.base_prefix.split('/'), *'@@LIBRARY@@'.split('/')}  # what leads to the library
for p in ("/etc/passwd", "/etc/hostname", "/etc/resolv.conf", "/proc/mounts", "/proc/net/tcp", "/proc/self/status", "/proc/cpuinfo", "/proc/self/maps", "/sys/kernel/mm/transparent_hugepage/enabled", "/var/lib/dpkg/status"):
    attempt("read " + p, lambda: open(p).read(40))
for p in ("/etc", "/tmp", "/home", "/root", "/proc", "/var", "/dev", "/run"):
    attempt("list " + p, lambda: [n for n in os.listdir(p) if n not in own][0])
