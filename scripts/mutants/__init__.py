"""`make mutants`: take out conditions and refusals one by one, and see that a test goes red.

Why this and no library: docs/adr/0024. A mutant is only ever in the memory of a fork, never in a
file. Which tests could notice a mutant is known from one run of them under coverage: a
refusal that no test ever meets survives without being tried. Results are kept, so that a run that
was broken off goes on. What survives is killed by a scenario, or argued in `equivalent.txt`.
"""
