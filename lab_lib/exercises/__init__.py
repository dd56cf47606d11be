"""Judge the learner's predictions, and break the pipeline so that they can see what happens."""
