"""Tables, a plot and a page from results, beside published numbers."""
