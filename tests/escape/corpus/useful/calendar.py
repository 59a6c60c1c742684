import calendar

calendar.month(2024, 1)
