import datetime, zoneinfo

datetime.datetime.now(zoneinfo.ZoneInfo("America/New_York"))
datetime.datetime.now().astimezone()
