# expect: timeout
# control: overtime
while True: pass
