import os

os.environ["A"] = "1"
os.getenv("HOME")
os.getenv("PATH")
