"""`make package`: everything that is uploaded to AWS, built the same to the byte each time, with a list of its hashes."""
