import zoneinfo

assert len(zoneinfo.available_timezones()) > 400
