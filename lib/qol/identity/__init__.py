"""Who a vendor id belongs to: pseudonyms, the user map, the key, and what a lake remembers of them."""
