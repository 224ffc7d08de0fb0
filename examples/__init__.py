"""Programs to copy from. None of them imports the product."""
