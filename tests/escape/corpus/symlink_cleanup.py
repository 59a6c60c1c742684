# expect: passed
# control: none
# what: leaves links for whoever cleans up to follow
import os
os.symlink("@@APPDIR@@", "app"); os.symlink("@@SECRET@@", "secret"); os.mkdir("e"); os.symlink("@@APPDIR@@", "e/app")
print("left")
