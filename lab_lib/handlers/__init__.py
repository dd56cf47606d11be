"""The code that runs in Lambda, a folder a function. It imports the standard library and boto3 only."""
