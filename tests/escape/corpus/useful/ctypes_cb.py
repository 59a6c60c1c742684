import ctypes

C = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
assert C(lambda x: x + 1)(2) == 3
