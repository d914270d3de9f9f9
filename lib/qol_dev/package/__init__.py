"""`make package`: what is uploaded to AWS, the same bytes each time, with a list of its hashes."""
