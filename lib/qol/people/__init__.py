"""What a lake holds on one person: found, taken along, swept and erased."""
