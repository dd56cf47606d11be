"""Hold what the learner writes: the copy of the notebooks, questions, trials, experiments."""
