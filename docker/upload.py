"""Upload a lake from a folder to a new bucket: `upload.py FOLDER BUCKET`."""

import os
import sys
from pathlib import Path

import boto3


def main(folder: Path, bucket: str) -> None:
    """Upload every file of the folder under its path."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]})
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in files:
        s3.put_object(Bucket=bucket, Key=path.relative_to(folder).as_posix(), Body=path.read_bytes())
    print(f"{len(files)} objects")  # noqa: T201 (the result)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
