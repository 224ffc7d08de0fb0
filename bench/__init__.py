"""`make bench`: the real stack under load, beside what people would pick instead, in one run on one broker."""
