# expect: passed
# control: none
# what: names that are no text, look like options, or break lines
import os
for n in (b"\xff\xfe", b"-rf", b"a\nb", b"\x1b[31m", "\u202e".encode(), b"x" * 255, b" ", b"*"):
    os.close(os.open(n, os.O_CREAT | os.O_WRONLY)); os.mkdir(n + b"d" if len(n) < 255 else b"y" * 255)
print("left")
