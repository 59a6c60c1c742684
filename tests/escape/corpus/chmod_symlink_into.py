# expect: passed
# control: secret
# what: changes the mode of a file outside through a link in the working folder
import os
os.symlink("@@SECRET@@", "link")
try: os.chmod("link", 0o666)
except OSError as e: print("blocked:", e.errno)
