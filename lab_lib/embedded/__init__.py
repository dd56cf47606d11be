"""Run the embedded AWS: a program on this computer that answers as AWS does."""
