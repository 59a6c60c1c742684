exec(compile("x=1", "a", "exec"))
eval("1+1")
