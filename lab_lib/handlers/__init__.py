"""The code that runs in Lambda. One file each; standard library and boto3; never imports lab_lib."""
