# expect: killed
# control: crashed
# what: reads where nothing is
import ctypes
ctypes.string_at(8)
