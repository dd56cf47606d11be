"""The code that runs in AWS Lambda. One file each; standard library and boto3 only; never imports lab_lib."""
