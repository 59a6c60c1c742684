# expect: out_of_memory failed killed
# control: printed memory overtime
x=[]
while len(x)<40: x.append(bytearray(100<<20))
print('ESCAPE: got 4 GB')
