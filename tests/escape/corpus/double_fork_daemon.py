# expect: passed failed
# control: left
import os,time
try:
    if os.fork()==0:
        os.setsid()
        if os.fork()==0:
            for s in range(60): time.sleep(0.5)
        os._exit(0)
    print("daemonised")
except OSError as e: print("blocked: fork", e.errno)
