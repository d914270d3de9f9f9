"""What the shipped job is compared with: jobs that only read, dedupe and write the weekly values of dailies."""
