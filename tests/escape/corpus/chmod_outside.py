# expect: passed
# control: secret
# what: changes the mode of a file outside by its path, which Landlock does not guard
import os
for f in (lambda: os.chmod("@@SECRET@@", 0o666), lambda: os.chmod("@@SECRET@@", 0o666, follow_symlinks=True)):
    try: f()
    except OSError as e: print("blocked:", e.errno)
