# expect: passed failed disk_limit
# control: printed
import os
t=0
try:
    for i in range(100):
        f=os.open("f%d"%i,os.O_CREAT|os.O_WRONLY); t+=os.write(f,b"x"*(4<<20)); os.close(f)
        if t>256<<20: break
except OSError as e: print("blocked:",e.errno,"after MB",t>>20)
if t>200<<20: print("ESCAPE: wrote MB",t>>20)
