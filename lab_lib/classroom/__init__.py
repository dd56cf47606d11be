"""Run and grade the lab for many accounts, and grade submissions.

A submission: submission.py writes and reads it, and finds out whose it is; grading.py judges it from outside of the
sandbox. sandbox.py opens that. In it, sandboxed_run.py runs the notebooks.
"""
