"""What the notebooks do not show of the frames: they compare frames of a full account with their outputs."""

import pytest

from lab_lib.pages import frames


@pytest.mark.parametrize(
    "read", [frames.logs, frames.stream_changes, lambda lab: frames.table(lab, "TransactionTotal")]
)
def test_an_empty_account_gives_an_empty_frame_with_columns(lab, read):
    frame = read(lab)

    assert (len(frame), len(frame.columns) > 1) == (0, True)
