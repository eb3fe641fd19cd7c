"""What one trial does: draw a configuration, train it, and say after each epoch how good it is."""
