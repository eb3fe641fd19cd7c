"""From what users pass to ``fit`` and ``predict`` to tensors on the training device and label codes."""
