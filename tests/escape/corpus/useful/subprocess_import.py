import subprocess

try:
    subprocess.run(["true"])
except PermissionError:
    print("refused")
except FileNotFoundError:
    print("no file")
