# expect: passed failed
# control: printed
# what: imports what is installed beside the mesh
attempt("import", lambda: __import__("aimesh"))
