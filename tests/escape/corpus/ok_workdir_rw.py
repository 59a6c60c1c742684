# expect: passed
# shows: rw-ok
# control: none
# not-with: strict, oldest landlock
import os
os.makedirs("d/e"); open("d/e/f","w").write("x"*1000); os.rename("d/e/f","g"); os.symlink("g","h"); assert open("h").read()=="x"*1000; os.unlink("h"); assert sorted(os.listdir("."))==["d","g"]
print("rw-ok")
