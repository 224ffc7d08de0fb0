"""`make rush`: a Friday night against the product, over its public routes, with a live display of how it goes."""
