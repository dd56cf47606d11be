"""The code that runs in Lambda, a folder a function. Of standard library and boto3, without lab_lib."""
