"""
>>> 1+1
2
"""

import doctest

assert doctest.testmod().failed == 0
