import copy

copy.deepcopy({"a": [1]})
