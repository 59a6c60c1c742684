import threading

r = []
ts = [threading.Thread(target=r.append, args=(i,)) for i in range(20)]
[t.start() for t in ts]
[t.join() for t in ts]
assert len(r) == 20
