# expect: passed
# control: secret
# what: attaches an extended attribute to a file outside
import os
attempt("setxattr", lambda: os.setxattr("@@SECRET@@", "user.sbx", b"1"))
