"""Hold the code that runs in Lambda, a folder a function."""
