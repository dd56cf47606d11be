"""Compare what the account holds after a case, and put it into words."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

_MOST_NAMED = 6


@dataclass(frozen=True)
class Holding:
    """Totals and number of alerts by customer, of the customers that changed."""

    totals: dict[str, Any]
    alerts: dict[str, int] = field(default_factory=dict)
    letters: int = 0  # records in the dead-letter queue
    held_up: str = ""  # why the batch still fails

    def __str__(self) -> str:
        totals = [
            f"{name} {total:f}" if isinstance(total, Decimal) else f"{name} {total!r}"
            for name, total in self.totals.items()
        ]
        alerts = [f"{count} for {name}" for name, count in self.alerts.items()]
        parts = [
            _listed(totals, "totals") or "no total",
            f"alerts: {_listed(alerts, 'customers') or 'none'}",
            *([f"dead letters: {self.letters}"] if self.letters else []),
            *([f"held up by {self.held_up}"] if self.held_up else []),
        ]
        return "; ".join(parts)


def _listed(texts: list[str], what: str) -> str:
    return ", ".join(texts) if len(texts) <= _MOST_NAMED else f"{len(texts)} {what}"
