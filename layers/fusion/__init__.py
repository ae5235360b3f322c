"""All evidence into one proposal a symbol."""
