# expect: passed failed out_of_memory
# control: printed
import os,time
n=0
try:
    for i in range(400):
        if os.fork()==0:
            time.sleep(30); os._exit(0)
        n+=1
except OSError as e: print("blocked: fork", e.errno, "after", n)
else: print("ESCAPE: forked", n)
