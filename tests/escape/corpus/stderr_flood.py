# expect: output_limit
# control: output
# what: as much as possible on the other stream
import os
while True: os.write(2, b"e" * 65536)
