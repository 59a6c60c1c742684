# expect: timeout
# control: overtime
# what: one call into C that takes for ever
import re
re.match(r"(a+)+$", "a" * 64 + "b")
