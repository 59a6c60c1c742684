import threading

t = threading.Timer(0.01, print)
t.start()
