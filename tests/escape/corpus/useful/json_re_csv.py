import json, re, csv, io

json.loads(json.dumps({"a": 1}))
re.findall("a+", "caa")
csv.writer(io.StringIO()).writerow([1])
