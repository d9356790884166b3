"""Rules that choose where to pick, all behind one interface, so that they can be compared.

`policy.py` says what a policy is and what it may know; every other file is one rule, except
`make.py`, the one place where a name becomes a policy, and `ranking.py`, which the classical rules
share.
"""
