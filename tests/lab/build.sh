# Build the lab with the aws command, as somebody types it. Needs AWS's variables, ACCOUNT, BUCKET, QUEUES, and two
# archives: TransactionProcessor.zip and TotalNotifier.zip.
set -eu
aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" --output text "$@"; }

aws s3 mb "s3://$BUCKET"
aws s3api put-public-access-block --bucket "$BUCKET" --public-access-block-configuration \
    BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true

for table in Customer TransactionTotal; do
    aws dynamodb create-table --table-name $table --billing-mode PAY_PER_REQUEST \
        --attribute-definitions AttributeName=CustomerId,AttributeType=S \
        --key-schema AttributeName=CustomerId,KeyType=HASH
done
aws dynamodb create-table --table-name Transactions --billing-mode PAY_PER_REQUEST \
    --attribute-definitions AttributeName=CustomerId,AttributeType=S AttributeName=TransactionId,AttributeType=S \
    --key-schema AttributeName=CustomerId,KeyType=HASH AttributeName=TransactionId,KeyType=RANGE \
    --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES
stream=$(aws dynamodb describe-table --table-name Transactions --query Table.LatestStreamArn)

aws iam create-role --role-name LabRole --assume-role-policy-document \
    '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}}'
aws iam put-role-policy --role-name LabRole --policy-name lab --policy-document \
    '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["s3:GetObject", "dynamodb:*", "sns:*", "logs:*"], "Resource": "*"}}'

for function in TransactionProcessor TotalNotifier; do
    aws lambda create-function --function-name $function --runtime python3.12 --timeout 20 \
        --handler lambda_function.lambda_handler --role "arn:aws:iam::$ACCOUNT:role/LabRole" --zip-file "fileb://$function.zip"
    aws lambda wait function-active --function-name $function
done

aws lambda add-permission --function-name TransactionProcessor --statement-id s3 --action lambda:InvokeFunction \
    --principal s3.amazonaws.com --source-arn "arn:aws:s3:::$BUCKET" --source-account "$ACCOUNT"
processor=$(aws lambda get-function --function-name TransactionProcessor --query Configuration.FunctionArn)
aws s3api put-bucket-notification-configuration --bucket "$BUCKET" --notification-configuration \
    '{"LambdaFunctionConfigurations": [{"LambdaFunctionArn": "'"$processor"'", "Events": ["s3:ObjectCreated:*"]}]}'
aws lambda create-event-source-mapping --function-name TotalNotifier --event-source-arn "$stream" \
    --starting-position TRIM_HORIZON

topic=$(aws sns create-topic --name HighBalanceAlert)
for queue in $QUEUES; do
    arn="arn:aws:sqs:$AWS_DEFAULT_REGION:$ACCOUNT:$queue"
    cat > policy.json <<EOF
{"Policy": "{\"Version\": \"2012-10-17\", \"Statement\": {\"Effect\": \"Allow\", \"Principal\": {\"Service\": \"sns.amazonaws.com\"}, \"Action\": \"sqs:SendMessage\", \"Resource\": \"$arn\", \"Condition\": {\"ArnEquals\": {\"aws:SourceArn\": \"$topic\"}}}}"}
EOF
    aws sqs create-queue --queue-name $queue --attributes file://policy.json
    aws sns subscribe --topic-arn "$topic" --protocol sqs --notification-endpoint "$arn"
done
