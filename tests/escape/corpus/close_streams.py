# expect: timeout
# control: overtime
# ends-by: the clock
# what: closes every stream so that its end cannot be read from them
import os, time
os.closerange(0, 256)
time.sleep(1000)
