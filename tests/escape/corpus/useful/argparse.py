import argparse

p = argparse.ArgumentParser()
p.add_argument("--x", default=1)
assert p.parse_args([]).x == 1
