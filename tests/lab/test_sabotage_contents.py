"""Another object takes the place of an upload: the grading says so, and never ends early."""

import pytest
from sabotage import assert_speaks

from lab_lib import checks
from lab_lib.aws import triggers

pytestmark = [pytest.mark.slow, pytest.mark.sabotage]

OF_NOBODY = b"customer_id|customer_address|trn_id|trn_date|trn_amount\nC9|9 Road|T99|03/16/2017|1\n"
KEY_OF_NOBODY = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}


@pytest.mark.parametrize(("content", "more"), [(b"\0" * 30_000_000, {}), (OF_NOBODY, {}), (b"secret", KEY_OF_NOBODY)])
def test_another_object_in_the_place_of_the_upload_is_caught(finished, content, more):
    triggers.delete_bucket_trigger(finished)  # so that only the bucket speaks
    finished.client("s3").put_object(Bucket=finished.bucket, Key="transactions.txt", Body=content, **more)

    about = "upload|rows|customers|Transactions|Customer|amounts|contents"
    assert_speaks(checks.run(finished, "05"), about)
