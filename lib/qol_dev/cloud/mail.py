"""Messages to people: a queue subscribed to the topic takes what would be mail."""

import json
from dataclasses import dataclass

from qol_dev.cloud.state import Cloud, client

_QUEUE = "qol-mailbox"


@dataclass(frozen=True)
class Mail:
    """A message as its reader would get it."""

    subject: str
    body: str


def open_mailbox(cloud: Cloud) -> None:
    """Subscribe a queue to the topic people's mail goes to."""
    sqs = client(cloud, "sqs")
    url = sqs.create_queue(QueueName=_QUEUE)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client(cloud, "sns").subscribe(TopicArn=cloud.names["topics"]["alert"], Protocol="sqs", Endpoint=arn)


def read_mail(cloud: Cloud) -> list[Mail]:
    """Messages that came since the mailbox was last read; they are gone from it then."""
    sqs = client(cloud, "sqs")
    url = sqs.get_queue_url(QueueName=_QUEUE)["QueueUrl"]
    found: list[Mail] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            answer = json.loads(message["Body"])
            found.append(Mail(answer.get("Subject") or "", answer["Message"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found
