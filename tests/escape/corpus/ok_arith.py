# expect: passed
# shows: 45
# control: none
print(sum(range(10)))
