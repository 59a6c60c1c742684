# expect: passed
# control: printed
# what: looks at the folders of other runs, and moves its own
import os, sys
own = {"usr", "lib", "lib64", "etc", "dev", "box", "empty", *sys.base_prefix.split("/"), *"@@LIBRARY@@".split("/")}
attempt("list", lambda: [n for n in os.listdir("..") if n not in own][0])
attempt("write", lambda: open("../sbx-escape-n", "w").write("x"))
attempt("rename", lambda: os.rename(os.getcwd(), os.getcwd() + "-moved") or "moved")
