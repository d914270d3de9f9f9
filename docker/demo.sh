#!/usr/bin/env bash
# Install the wheelhouse as Glue does, upload the sample lake in .demo/docker to a bucket, run the job on it.
# Runs in the image of docker/compose.yaml, and wherever Glue's modules and an S3 at AWS_ENDPOINT_URL are.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "1. Install the wheelhouse, without an index"
python3 -m zipfile -e dist/glue/qol-wheels-*.gluewheels.zip "$work"
pip3 install --quiet --no-index --find-links "$work/wheels" --requirement "$work/wheels/requirements.txt"

echo "2. Upload the sample lake to s3://qol-lake"
python3 docker/upload.py .demo/docker qol-lake

echo "3. Run the job"
spark-submit --conf spark.io.encryption.enabled=true --conf "spark.hadoop.fs.s3a.endpoint.region=$AWS_DEFAULT_REGION" dist/glue/weekly_etl.py \
    --JOB_NAME qol-weekly-etl --JOB_RUN_ID jr_docker --lake s3://qol-lake --now 2026-11-18T00:05:00Z --trigger schedule
