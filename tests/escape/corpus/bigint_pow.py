# expect: timeout out_of_memory
# control: overtime
x=7**(7**9)
y=x*x*x
print('ESCAPE?',y.bit_length())
while 1: x=x*x
