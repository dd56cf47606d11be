"""The code that runs in Lambda. One file each, of standard library and boto3, without lab_lib."""
