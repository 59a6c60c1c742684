# expect: timeout
# control: overtime
# what: turns a number into text for ever
import sys
sys.set_int_max_str_digits(0)
print(len(str(1 << (1 << 27))))
