open("m.py", "w").write("print(1)")
import runpy

runpy.run_path("m.py")
