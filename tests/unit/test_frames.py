"""What the notebooks do not show of the frames: they compare frames of a full account with their outputs."""

import pytest

from lab_lib.pages import frames


@pytest.mark.parametrize(
    ("read", "columns"),
    [
        (frames.objects, ["Key", "Size"]),
        (frames.totals, ["CustomerId", "accountBalance", "alerted"]),
        (frames.logs, ["function", "message"]),
        (frames.stream_changes, ["kind", "CustomerId", "TransactionId", "old amount", "new amount"]),
    ],
)
def test_an_empty_account_gives_an_empty_frame_with_its_columns(lab, read, columns):
    frame = read(lab)

    assert ([*frame.columns], len(frame)) == (columns, 0)
