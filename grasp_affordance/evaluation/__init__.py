"""How good a policy is: whole bins cleared by a fixed protocol, counted with their uncertainty.

protocol.py    one clearance: look, choose, pick, until the bin is empty or the cap is reached
sim_pile.py    the simulator's side of it
runner.py      many clearances in parallel processes, resumed after a kill
summary.py     counts and intervals per seed, per stack type and in total
statistics.py  the intervals themselves
tables.py, plots.py, results_page.py   what people read
taken_apart.py piles looked at after each removal, for benchmarks against the simulator's truth
panels.py      pictures of one view beside each other

The annotation paper's experiment, research/benchmarks/log_piles.py, in the order in which it is
done:

log_sequences.py    piles recorded while they are taken apart; exact labels
cylinders.py        what a line meets, and what stands over a point
grasp_validity.py   the paper's two criteria, from the true scene
log_candidates.py   candidates evaluated by them and tried by simulated jaws; figures
log_pile_report.py, log_pile_page.py   tables, page and picture
"""
