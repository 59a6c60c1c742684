# expect: passed
# control: control-characters
import sys
sys.stdout.buffer.write(b'\xff\xfe\x00abc\x00\x1b[31m\xed\xa0\x80\r\n')
