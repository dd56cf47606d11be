"""The code around the learner's function when `lab try` judges it."""
