# expect: output_limit
# control: output
s='x'*(1<<20)
for i in range(1024): print(s)
print('ESCAPE: printed 1 GB')
