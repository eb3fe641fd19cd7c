"""What a classifier leaves on disk, and how it comes back."""
