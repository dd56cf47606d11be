from lab_lib.checks.chain import wait_until_counted, wait_until_logged, wait_until_uploads_start

__all__ = ["wait_until_counted", "wait_until_logged", "wait_until_uploads_start"]
