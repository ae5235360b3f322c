"""The compiler's passes, in the order of their names; each is one public function from one model to the next."""
