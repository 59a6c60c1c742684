# expect: failed
# control: none
print('\ud800')
