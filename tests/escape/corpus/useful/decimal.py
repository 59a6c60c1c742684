from decimal import *

getcontext().prec = 50
Decimal(2).sqrt()
