# expect: output_limit
# control: output
import sys
sys.stdout.write('y'*(200<<20))
