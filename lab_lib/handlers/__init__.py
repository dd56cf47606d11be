"""The code that runs in Lambda, a folder a function, of the standard library and boto3 only."""
