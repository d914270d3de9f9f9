#!/usr/bin/env bash
# Install as Glue does, put a lake of sample people into a bucket, run the job on it, look at its table.
# Runs in the image of docker/compose.yaml, and wherever Glue's modules and an S3 at AWS_ENDPOINT_URL are.
set -euo pipefail
export PATH="$HOME/.local/bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "1. Install the wheelhouse, without an index"
python3 -m zipfile -e dist/glue/qol-wheels-*.gluewheels.zip "$work"
pip3 install --quiet --no-index --find-links "$work/wheels" --requirement "$work/wheels/requirements.txt"

echo "2. Put a sample lake into s3://qol-lake"
qol sample --lake "$work/lake" --users 20 --weeks 2 --sources garmin-core >"$work/sample.log"
python3 docker/upload.py "$work/lake" qol-lake

echo "3. Run the job"
spark-submit --conf "spark.hadoop.fs.s3a.endpoint.region=$AWS_DEFAULT_REGION" dist/glue/weekly_etl.py \
    --JOB_NAME qol-weekly-etl --JOB_RUN_ID jr_docker --lake s3://qol-lake --now 2026-11-18T00:05:00Z --trigger schedule

echo "4. The lake's runs"
qol runs --lake s3://qol-lake
