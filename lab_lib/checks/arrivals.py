from lab_lib.checks.evidence import TABLES, snapshot

__all__ = ["TABLES", "snapshot"]
