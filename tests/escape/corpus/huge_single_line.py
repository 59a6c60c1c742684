# expect: output_limit
# control: output
import sys
sys.stdout.write('y'*(64<<20))
