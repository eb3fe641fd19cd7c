"""What the speed study times, and how two functions are timed in turns."""
