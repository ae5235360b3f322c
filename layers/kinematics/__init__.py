"""Motion of price: averages, oscillators, trends and cycles."""
