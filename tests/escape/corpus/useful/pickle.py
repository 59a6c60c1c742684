import pickle


class A:
    pass


a = pickle.loads(pickle.dumps(A()))
assert type(a) is A
