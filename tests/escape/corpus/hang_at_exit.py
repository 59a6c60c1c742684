# expect: timeout
# control: overtime
# ends-by: the clock
# what: does not end when it ends
import atexit, time
class D:
    def __del__(self): time.sleep(1000)
d = D(); atexit.register(time.sleep, 1000)
