"""What development needs beside the product: private servers, `make run`, and checks of `make verify`."""
