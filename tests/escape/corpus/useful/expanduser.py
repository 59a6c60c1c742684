import os

assert os.path.isdir(os.path.expanduser("~"))
