# expect: failed
# exit: 3
# control: none
import sys; print('partial'); sys.exit(3)
