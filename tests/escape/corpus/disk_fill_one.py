# expect: passed failed disk_limit
# control: printed
f=open('big','wb')
try:
    for i in range(128): f.write(b'x'*(1<<20))
    f.close(); print('ESCAPE: 128 MB file')
except OSError as e: print('blocked:',e.errno)
