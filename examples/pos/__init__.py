"""A small POS: what a till needs to order from ShakerQueue, and to hear what became of its orders."""
