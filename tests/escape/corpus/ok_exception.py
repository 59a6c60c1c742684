# expect: failed
# shows: ZeroDivisionError
# control: none
1/0
