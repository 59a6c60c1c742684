# expect: passed
# control: printed
# what: opens the pipes of other processes by their links in /proc, which Landlock lets pass, to speak in their name
import os
near = range(max(os.getppid() - 5, 1), os.getppid() + 5)
for p in {*near, @@PPID@@} - {os.getpid()}:
    for fd in range(40):
        for mode in (os.O_WRONLY, os.O_RDONLY):
            try: f = os.open(f"/proc/{p}/fd/{fd}", mode | os.O_NONBLOCK)
            except OSError: continue
            print("ESCAPE: opened descriptor", fd, "of", p); os.close(f)
