"""Who is told what happens in a sweep: the live table and experiment trackers."""
