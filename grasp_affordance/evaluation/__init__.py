"""How good a policy is: whole bins cleared by a fixed protocol, counted with their uncertainty.

protocol.py    one clearance: the executor's own loop runs, and the protocol counts
sim_pile.py    the simulator's side of it
runner.py      many clearances in parallel processes, resumed after a kill
summary.py     counts and intervals per seed, per stack type and in total
statistics.py  the intervals themselves
tables.py      what people read
"""
