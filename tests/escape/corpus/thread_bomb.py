# expect: passed failed killed out_of_memory
# control: printed
# what: more threads than allowed, each with the smallest stack
import threading, time
threading.stack_size(32768); n = 0
try:
    for _ in range(400):
        threading.Thread(target=time.sleep, args=(0.6,), daemon=True).start(); n += 1
        if n % 20 == 0: time.sleep(0.01)
except (RuntimeError, MemoryError) as e: print("blocked:", e, "after", n)
else: print("ESCAPE: threads", n)
