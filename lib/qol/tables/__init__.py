"""Published tables: keys of their files, reading of a bucket or user, footers, corrupt files."""
