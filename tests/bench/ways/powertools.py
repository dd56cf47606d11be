"""With Powertools for AWS Lambda, as its documents combine batch processing and idempotency."""

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes import S3Event, event_source
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from batched import add, copy

processor = BatchProcessor(event_type=EventType.DynamoDBStreams)
config = IdempotencyConfig(event_key_jmespath="eventID")


@event_source(data_class=S3Event)
def process(event, context):
    for record in event.records:
        copy(record.s3.bucket.name, record.s3.get_object.key)


@idempotent_function(
    data_keyword_argument="record", config=config, persistence_store=DynamoDBPersistenceLayer(table_name="Idempotency")
)
def handle(record: DynamoDBRecord):
    image = record.dynamodb.new_image
    add(image["CustomerId"], image["TransactionAmount"])


def notify(event, context):
    config.register_lambda_context(context)
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)
