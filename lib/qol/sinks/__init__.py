"""Published tables in a database: tables made from the contracts, additive migrations, loads driven by digests."""
