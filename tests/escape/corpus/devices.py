# expect: passed
# control: printed
# what: devices beyond null, zero and random
import os
for p in ("/dev/kmsg", "/dev/mem", "/dev/tty", "/dev/ptmx", "/dev/fuse", "/dev/kvm", "/dev/net/tun", "/dev/full", "/dev/vda", "/dev/sda"):
    attempt("open " + p, lambda: os.open(p, os.O_RDONLY | os.O_NONBLOCK))
