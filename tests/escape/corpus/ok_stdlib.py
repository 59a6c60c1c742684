# expect: passed
# shows: stdlib-ok
# control: none
import json,re,math,datetime,collections,itertools,functools,statistics,decimal,fractions,random,string,csv,io,hashlib,base64,textwrap,heapq,bisect,dataclasses,typing,enum,zlib,gzip,struct,uuid,time,zoneinfo,sqlite3,html,urllib.parse,xml.etree.ElementTree,unicodedata,tempfile,pathlib,copy,operator,difflib,calendar,secrets,array,contextlib,traceback,inspect,ast,logging,argparse,shutil
assert zoneinfo.ZoneInfo("Europe/Berlin").utcoffset(datetime.datetime(2024,7,1)).total_seconds()==7200
c=sqlite3.connect(":memory:"); assert c.execute("select 1+1").fetchone()==(2,)
c=sqlite3.connect("t.db"); c.execute("create table t(x)"); c.execute("insert into t values(1)"); c.commit(); c.close()
assert statistics.mean([1,2,3])==2 and decimal.Decimal("0.1")*3==decimal.Decimal("0.3")
with tempfile.TemporaryDirectory() as d:
    pathlib.Path(d,"a").write_text("hi"); shutil.copyfile(d+"/a",d+"/b"); assert open(d+"/b").read()=="hi"
print("stdlib-ok")
