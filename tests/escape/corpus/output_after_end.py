# expect: output_limit timeout
# control: output overtime
# what: a thread that goes on writing when the program has ended
import threading
def f():
    while True: print("y" * 5000)
threading.Thread(target=f).start()
