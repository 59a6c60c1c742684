import threading

threading.stack_size(1 << 20)
t = threading.Thread(target=lambda: None)
t.start()
t.join()
