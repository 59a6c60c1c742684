import sys

sys.getsizeof(1)
sys.stdout.isatty()
sys.stdin.read()
sys.setswitchinterval(0.01)
sys.getswitchinterval()
