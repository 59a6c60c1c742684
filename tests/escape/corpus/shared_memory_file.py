# expect: passed failed
# control: printed wrote
# what: shared memory by name, and semaphores, in /dev/shm
from multiprocessing import shared_memory
def f():
    m = shared_memory.SharedMemory("sbx-escape-m", create=True, size=4096); m.close(); m.unlink(); return m.name
attempt("shm_open", f)
